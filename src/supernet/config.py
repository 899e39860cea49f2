"""params.yaml -> one checked, frozen configuration per scale.

Unknown keys, missing keys, wrong types and impossible values are errors before the first job. The arguments of a
plug-in are checked against the keyword-only signature of its ``make(...)``, read from the source without importing it:
the signature is the schema.
"""

import ast
import functools
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, create_model

from supernet import params, settings
from supernet.errors import UserError
from supernet.factorial import Factorial
from supernet.plugins import PACKAGE, kinds
from supernet.settings import Count, Fraction, Index, Positive, StandaloneTruth, Strict, Train

TruthName = Literal["valid", "test"]
POOLED = "pool"  # the kind of method that trains on what its search has met
OWN = "own"  # in a study: the search of each method itself


class Plugin(Strict):
    """A plug-in: ``kind`` is a file in its folder, ``args`` the keyword arguments of the file's ``make``."""

    kind: str
    args: dict[str, Any] = {}


class Data(Plugin):
    """A data set at one size, with named disjoint splits of its training images (numbers of images)."""

    size: Count
    split: dict[Literal["weights", "guide", "score"], Count]
    seed: Index = 0


class TableTruth(Strict):
    """Ground truth looked up in a benchmark table; ``also``: other data sets of it, which are reported beside."""

    kind: Literal["table"]
    table: str
    dataset: str
    epochs: Count
    also: list[str] = []


class Task(Strict):
    """A search space on a data set, where its ground truth comes from, and which truth orders and which scores."""

    space: str
    data: str
    width: Count
    cells: Count
    truth: Annotated[TableTruth | StandaloneTruth, Field(discriminator="kind")]
    order_truth: TruthName
    score_truth: TruthName
    evaluation: Annotated[int, Field(ge=2)]

    @property
    def truths(self) -> list[str]:
        """Columns of a truth file that rankings are measured against: the task's own, then other data sets'."""
        also = self.truth.also if isinstance(self.truth, TableTruth) else []
        return [self.score_truth, *(f"{dataset}/{self.score_truth}" for dataset in also)]


class LandmarkSet(Strict):
    """How the first landmarks of a run are drawn."""

    kind: Literal["distant", "uniform", "spread"]
    count: Annotated[int, Field(ge=2)]
    distance: Index = 2


class Net(Strict):
    """The super-net: how weights are shared, whether batch-norm has an affine part, and in how many ``parts`` the
    channels are divided, of which operations see the first (PC-DARTS: 4; else 1)."""

    sharing: Literal["one_shot", "node_shared"]
    affine: bool
    parts: Count = 1


class Method(Plugin):
    """A way of training a super-net, and what regularises it after the warm-up.

    * ``start`` names the entry whose warm-up this one shares; ``searcher`` is the search of the algorithm itself.
    * ``additions``: after each iteration but the last, so many of the new architectures that its search met become
      landmarks: the ``added`` ones, ``best`` or ``disputed``, which are those whose ranks by the super-net and by a
      ridge on the landmarks so far differ most.
    * ``order_truth``: which truth orders the landmarks, if not the task's.
    """

    net: Net
    train: Train
    iterations: Count = 1
    start: str | None = None
    landmarks: str | None = None
    regulariser: Plugin | None = None
    searcher: str | None = None
    additions: Count | None = None
    added: Annotated[Literal["best", "disputed"], Field(exclude_if=lambda which: which == "best")] = "best"
    order_truth: Annotated[TruthName | None, Field(exclude_if=lambda name: name is None)] = None

    def segment(self, iteration: int) -> tuple[int, int]:
        """First and last-plus-one epoch of an iteration; iteration 0 is the warm-up (D10)."""
        if iteration == 0:
            return 0, self.train.warmup
        length = (self.train.epochs - self.train.warmup) // self.iterations
        return self.train.warmup + (iteration - 1) * length, self.train.warmup + iteration * length


class Estimator(Plugin):
    """A way of scoring, and of which architectures: the evaluation set at every checkpoint, or all at the last one."""

    archs: Annotated[Literal["evaluation", "space"], Field(exclude_if=lambda name: name == "evaluation")] = "evaluation"


class Searcher(Plugin):
    """A search, and the estimator and score that guide it."""

    estimator: str
    score: str


class Study(Strict):
    """A table or figure of a paper: a list of methods on one task, and the contrasts it asks about.

    ``searchers``: entries, or ``own`` for the search of each method itself; ``seeds``: the scale's, or some of them;
    ``factorial``: the entry whose methods are the study's, and whose factors' effects it asks about. ``alone``: the
    predictors that are fitted to the landmarks alone; ``joined``: whether they are also added to super-nets' scores,
    where a method without landmarks borrows those of the study's first one with some.
    """

    title: str
    scales: list[str]
    task: str
    methods: Annotated[list[str], Field(min_length=1)]
    estimators: Annotated[list[str], Field(min_length=1)]
    searchers: list[str] = []
    seeds: Annotated[list[Index], Field(min_length=1)] | None = None
    contrasts: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    claims: str | None = None
    factorial: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    alone: Annotated[list[Literal["ridge", "counts"]], Field(exclude_if=lambda names: names == ["ridge"])] = ["ridge"]
    joined: Annotated[bool, Field(exclude_if=lambda joined: not joined)] = False


class Metrics(Strict):
    """Settings of the rank metrics; ``resolution`` as a fraction of accuracy."""

    resolutions: Annotated[list[Positive], Field(min_length=1)]
    precision_at: Annotated[list[Fraction], Field(min_length=1)]
    bootstrap: Count
    level: Annotated[float, Field(gt=0, lt=1)]


class Config(Strict):
    """Everything params.yaml says at one scale."""

    seeds: Annotated[list[Index], Field(min_length=1)]
    threads: Count
    device: Literal["cpu", "cuda", "auto"]
    processes: Count = 1
    data: dict[str, Data]
    tables: dict[str, Plugin]
    tasks: dict[str, Task]
    landmarks: dict[str, LandmarkSet]
    methods: dict[str, Method]
    estimators: dict[str, Estimator]
    searchers: dict[str, Searcher]
    factorials: dict[str, Factorial] = {}
    metrics: Metrics
    studies: dict[str, Study]


def load(scale: str, path: str | Path = "params.yaml") -> Config:
    """Read ``path`` at ``scale``. Raises ``UserError`` naming the key if anything in it is wrong."""
    try:
        config = Config.model_validate(params.at_scale(path, scale))
    except ValidationError as error:
        raise UserError(f"{path}: {_one_line(error)} (scale {scale})") from None
    _check_plugins(config, str(path))
    _check_references(config, str(path))
    return config


@functools.cache
def schema(folder: str, kind: str) -> type[Strict]:
    """The model of a plug-in's arguments: the keyword-only parameters of its ``make``, with their annotations."""
    source = PACKAGE / folder / f"{kind}.py"
    make = next(n for n in ast.parse(source.read_text()).body if isinstance(n, ast.FunctionDef) and n.name == "make")
    fields: dict[str, Any] = {}
    for argument, default in zip(make.args.kwonlyargs, make.args.kw_defaults, strict=True):
        annotation = eval(compile(ast.Expression(argument.annotation), str(source), "eval"), vars(settings))
        fields[argument.arg] = (annotation, ... if default is None else ast.literal_eval(default))
    return create_model(kind, __base__=Strict, **fields)


def _check_plugins(config: Config, path: str) -> None:
    sections = {
        "data": "datasets",
        "tables": "tables",
        "methods": "methods",
        "estimators": "estimators",
        "searchers": "searchers",
    }
    for section, folder in sections.items():
        for name, plugin in getattr(config, section).items():
            _check_plugin(plugin, folder, f"{path}: {section}.{name}")
    for name, method in config.methods.items():
        if method.regulariser is not None:
            _check_plugin(method.regulariser, "regularisers", f"{path}: methods.{name}.regulariser")


def _check_plugin(plugin: Plugin, folder: str, where: str) -> None:
    if plugin.kind not in kinds(folder):
        raise UserError(f"{where}.kind: no {plugin.kind!r}; known: {', '.join(kinds(folder))}")
    try:
        schema(folder, plugin.kind).model_validate(plugin.args)
    except ValidationError as error:
        raise UserError(f"{where}.args.{_one_line(error)}") from None


def _check_references(config: Config, path: str) -> None:
    def known(section: str, name: str | None, where: str) -> None:
        if name is not None and name not in getattr(config, section):
            raise UserError(f"{path}: {where}: no {name!r} in {section}; known: {', '.join(getattr(config, section))}")

    for name, task in config.tasks.items():
        known("data", task.data, f"tasks.{name}.data")
        if task.space not in kinds("spaces"):
            raise UserError(f"{path}: tasks.{name}.space: no {task.space!r}; known: {', '.join(kinds('spaces'))}")
        if isinstance(task.truth, TableTruth):
            known("tables", task.truth.table, f"tasks.{name}.truth.table")
    for name, method in config.methods.items():
        _check_method(config, path, name, method, known)
    for name, searcher in config.searchers.items():
        known("estimators", searcher.estimator, f"searchers.{name}.estimator")
    for name, study in config.studies.items():
        known("tasks", study.task, f"studies.{name}.task")
        for section in ("methods", "estimators", "searchers"):
            for entry in getattr(study, section):
                if (section, entry) != ("searchers", OWN):
                    known(section, entry, f"studies.{name}.{section}")
        homeless = [entry for entry in study.methods if config.methods[entry].searcher is None]
        if OWN in study.searchers and homeless:
            raise UserError(f"{path}: studies.{name}.searchers: {OWN!r}, but methods.{homeless[0]} names no searcher")
        for pair in study.contrasts:
            for entry in pair:
                if entry not in study.methods:
                    raise UserError(f"{path}: studies.{name}.contrasts: {entry!r} is not among the study's methods")


def _check_method(config: Config, path: str, name: str, method: Method, known: Any) -> None:
    where = f"{path}: methods.{name}"
    known("landmarks", method.landmarks, f"methods.{name}.landmarks")
    known("methods", method.start, f"methods.{name}.start")
    train = method.train
    if method.kind == POOLED and not train.warmup:
        raise UserError(f"{where}.train.warmup: kind {POOLED!r} needs one, at whose end the first pool is met")
    if train.warmup >= train.epochs:
        raise UserError(f"{where}.train.warmup: {train.warmup} is not less than epochs = {train.epochs}")
    if (train.epochs - train.warmup) % method.iterations:
        left = train.epochs - train.warmup
        raise UserError(f"{where}.iterations: {method.iterations} does not divide the {left} epochs after warm-up")
    if method.start is not None:
        owner = config.methods[method.start]
        if (owner.train, owner.net) != (train, method.net) or not train.warmup or owner.start is not None:
            raise UserError(f"{where}.start: {method.start!r} must own a warm-up with the same train and net settings")
    known("searchers", method.searcher, f"methods.{name}.searcher")
    if method.searcher is None and (method.additions is not None or method.kind == POOLED):
        raise UserError(f"{where}.searcher: is missing; additions and kind {POOLED!r} live on what it meets")
    if method.regulariser is not None and method.landmarks is None:
        raise UserError(f"{where}.landmarks: is missing; {method.regulariser.kind!r} regularises with landmarks")


def _one_line(error: ValidationError) -> str:
    first, *rest = error.errors()
    where = ".".join(str(part) for part in first["loc"])
    got = "" if first["type"] in ("missing", "extra_forbidden") else f", got {first['input']!r}"
    what = {"missing": "is missing", "extra_forbidden": "is not a known key"}.get(first["type"], first["msg"])
    more = f" (and {len(rest)} more)" if rest else ""
    return f"{where}: {what}{got}{more}"
