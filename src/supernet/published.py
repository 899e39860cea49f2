"""A finished run as an object: its weights, what it was trained with, its log, and its scores of any architecture. ::

    from supernet import published

    run = published.load("reduced/nasbench201-cifar10/landmark/s0")
    run.score(["|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"])

Nothing is taken on trust: a run whose settings are not those of params.yaml, images or scores that belong to other
weights, are refused with one line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supernet import config as configs
from supernet import lineage, paths, plan, records, runs, spaces
from supernet.arch import Arch, enumerate_archs
from supernet.config import Config
from supernet.errors import UserError
from supernet.job import Job
from supernet.sections import TableTruth

if TYPE_CHECKING:
    from supernet.nets.supernet import SuperNet

NAME = re.compile(r"(?P<scale>[^/]+)/(?P<task>[^/]+)/(?P<method>[^/]+)/s(?P<seed>[0-9]+)(/i(?P<iteration>[0-9]+))?")
FOLDER = re.compile(
    r"((?P<root>.*)/)?results/(?P<scale>[^/]+)/runs/(?P<task>[^/]+)/(?P<method>[^/]+)/s(?P<seed>[0-9]+)"
    r"(/i(?P<iteration>[0-9]+)(/weights\.safetensors)?)?"
)


@dataclass(frozen=True)
class Run:
    """One super-net: a method on a task at a scale, with a seed, after an iteration. Made by `load`.

    ``root`` is the folder that holds ``results`` and params.yaml; ``params`` is what the latter says at this scale.
    """

    root: Path
    params: Config
    scale: str
    task: str
    method: str
    seed: int
    iteration: int

    @property
    def name(self) -> str:
        """``scale/task/method/sSEED/iN``."""
        return f"{self.scale}/{self.task}/{self.method}/s{self.seed}/i{self.iteration}"

    @property
    def where(self) -> dict[str, Any]:
        """The wildcards of its paths in `supernet.paths`."""
        names = ("scale", "task", "method", "seed", "iteration")
        return {name: getattr(self, name) for name in names}

    @property
    def default_estimator(self) -> str:
        """The first of params.yaml."""
        return next(iter(self.params.estimators))

    @cached_property
    def space(self) -> spaces.SearchSpace:
        """The search space of its task."""
        return spaces.load(self.params.tasks[self.task].space)

    @cached_property
    def config(self) -> dict[str, Any]:
        """What its last segment was trained with, as the weights' provenance has it."""
        return dict(self._stamp["settings"])

    @cached_property
    def epochs(self) -> list[int]:
        """The epochs after which there are weights; the last one is the end of the run."""
        from supernet import checkpoints

        return checkpoints.epochs(self._weights)

    @cached_property
    def log(self) -> pd.DataFrame:
        """One row an epoch of the whole run, the warm-up included: losses, learning rate, what the method notes."""
        owners = runs.segments(self.params.methods[self.method], self.method)
        owners = owners[: owners.index((self.method, self.iteration)) + 1]
        files = (paths.LOG.format(**{**self.where, "method": owner, "iteration": i}) for owner, i in owners)
        return pd.concat([pd.DataFrame(records.read_lines(self.root / file)) for file in files], ignore_index=True)

    def net(self, epoch: int | None = None) -> "SuperNet":
        """The super-net as it was after ``epoch`` (the last one), for evaluation: ``net(x, arch) -> logits``."""
        from supernet import checkpoints

        weights = checkpoints.under(self._weights, f"{self._epoch(epoch)}/")
        chosen, classes = self.config, len(weights["head.linear.bias"])
        net = self.space.build(width=chosen["width"], cells=chosen["cells"], classes=classes, **chosen["net"])
        checkpoints.load_arrays(net, weights)
        return net.eval()

    def score(self, archs: Sequence[str | Arch], *, estimator: str | None = None, epoch: int | None = None):
        """Scores of any architectures by the estimator (the first of params.yaml) on the ``score`` images.

        Returns a table with a row an architecture, in order: ``arch`` in the field's string, and a column a score,
        higher is better. An architecture of the evaluation set gets the bits that the pipeline gave it. Raises
        ``UserError`` for a malformed architecture, an unknown estimator or epoch, and where weights or images are
        absent.
        """
        parsed = [self._parsed(arch) for arch in archs]
        job = self._scoring(estimator)
        epoch = self._epoch(epoch)
        from supernet.stages.score import estimate_of, split_of

        images, training = (split_of(job.settings, str(self._images(job)), name) for name in ("score", "weights"))
        scores = estimate_of(job.settings, self._weights, epoch, images(), training)(parsed) if parsed else {}
        return pd.DataFrame({"arch": [self.space.format(arch) for arch in parsed], **scores})

    def is_scored(self, estimator: str | None = None) -> bool:
        """Whether `stored_scores` are here."""
        return (self.root / self._scoring(estimator).outputs["scores"]).is_file()

    def stored_scores(self, *, estimator: str | None = None, epoch: int | None = None) -> pd.DataFrame:
        """The pipeline's own scores of the evaluation set, as `score` gives them; from git, no weights needed.

        ``attrs["epoch"]`` of the table is their checkpoint.
        """
        job = self._scoring(estimator)
        path = job.outputs["scores"]
        if not self.is_scored(estimator):
            raise UserError(f"{self.root / path}: no such file; make it: `snakemake {path}`")
        lineage.check_file(self.root / path, job)
        table = records.read_table(self.root / path)
        epoch = _one_of(sorted({int(e) for e in table["epoch"]}), epoch, self.name)
        scores = table[table["epoch"] == epoch].drop(columns="epoch").reset_index(drop=True)
        scores.attrs["epoch"] = epoch
        return scores

    def whole_space(self) -> list[Arch]:
        """All architectures of the space, in lexicographic order."""
        return [arch for arch in enumerate_archs(self.space.choices) if self.space.is_valid(arch)]

    def truth(self, which: str | None = None) -> pd.Series:
        """Known stand-alone accuracies, a fraction by native string: of the whole benchmark, else the evaluation set.

        ``which``: ``valid`` or ``test``, by default the one that rankings are measured against. Empty where no file
        is at hand.
        """
        task = self.params.tasks[self.task]
        which = which or task.score_truth
        at = {"scale": self.scale}
        jobs = [(plan.truth(self.params, **at, task=self.task, set=paths.EVALUATION), which)]
        if isinstance(task.truth, TableTruth):
            column = f"{task.truth.dataset}_{which}_{task.truth.epochs}"
            jobs.insert(0, (plan.table(self.params, **at, table=task.truth.table), column))
        for job, column in jobs:
            path = self.root / job.first
            if path.is_file():
                lineage.check_file(path, job)
                table = records.read_table(path).set_index("arch")
                if column not in table:
                    raise UserError(f"{path}: has no column {column}; correct tasks.{self.task}.truth in params.yaml")
                return table[column].dropna()
        return pd.Series(dtype=float)

    @cached_property
    def _job(self) -> Job:
        return plan.train(self.params, **self.where)

    @cached_property
    def _stamp(self) -> dict[str, Any]:
        path = self._job.outputs["weights"]
        if not (self.root / path).is_file():
            raise UserError(f"{self.root / path}: no such file; {self._how_to_get(path)}")
        return lineage.check_file(self.root / path, self._job)

    @cached_property
    def _weights(self) -> Mapping[str, np.ndarray]:
        path = self._job.outputs["weights"]
        self._stamp  # noqa: B018 - whose file it is, is asked first
        found = self.root / paths.SCORES.format(**self.where, estimator=self.default_estimator)
        recorded = records.provenance(found)["inputs"].get(path) if found.is_file() else None
        if recorded is not None and records.sha256(self.root / path) != recorded:
            raise UserError(f"{self.root / path}: not the weights that {found} was made from; fetch or make it again")
        return records.read_tensors(self.root / path)

    def _how_to_get(self, path: str) -> str:
        if (self.root / paths.LOG.format(**self.where)).is_file():
            return f"fetch: `make pull SCALE={self.scale}`, or train: `snakemake {path}`"
        return f"this run has not been trained: `snakemake {path}`"

    def _images(self, job: Job) -> Path:
        path = job.inputs["data"]
        if not (self.root / path).is_file():
            fetch = f"fetch: `make pull SCALE={self.scale}`, or make: `snakemake {path}`"
            raise UserError(f"{self.root / path}: no such file; {fetch}")
        if records.sha256(self.root / path) != self._stamp["inputs"][path]:
            raise UserError(f"{self.root / path}: not the images that {self.name} was trained on; make them again")
        return self.root / path

    def _scoring(self, estimator: str | None) -> Job:
        return plan.score(self.params, **self.where, estimator=estimator or self.default_estimator)

    def _epoch(self, epoch: int | None) -> int:
        return _one_of(self.epochs, epoch, self.name)

    def _parsed(self, arch: str | Arch) -> Arch:
        return self.space.parse(arch if isinstance(arch, str) else self.space.format(arch))


def load(run: str | Path) -> Run:
    """The run that ``run`` names: ``SCALE/TASK/METHOD/sSEED``, or its folder ``results/SCALE/runs/TASK/METHOD/sSEED``.

    The folder may lie anywhere. With ``/iN`` it is the super-net after iteration N, else after the last one.
    params.yaml is the one beside ``results``. Files are opened when they are asked for. Raises ``UserError`` for
    anything that params.yaml does not know.
    """
    text = str(run).rstrip("/").removeprefix("./")
    found = FOLDER.fullmatch(text) or NAME.fullmatch(text)
    if not found:
        raise UserError(
            f"run {text!r}: expected SCALE/TASK/METHOD/sSEED, as reduced/nasbench201-cifar10/landmark/s0, or the path"
            " of its folder, as results/reduced/runs/nasbench201-cifar10/landmark/s0"
        )
    parts = found.groupdict()
    root = Path(parts.get("root") or ("/" if text.startswith("/results/") else "."))
    if not (root / "params.yaml").is_file():
        raise UserError(f"{root / 'params.yaml'}: no such file; expected beside the folder results of the run")
    chosen = configs.load(parts["scale"], root / "params.yaml")
    if parts["task"] in chosen.tasks and parts["method"] not in chosen.methods:
        known = ", ".join(sorted(set(_trained(root, parts["scale"], parts["task"])) & set(chosen.methods)))
        raise UserError(f"run {text!r}: no method {parts['method']!r} in params.yaml; trained here: {known or 'none'}")
    last = chosen.methods[parts["method"]].iterations if parts["method"] in chosen.methods else 0
    iteration = last if parts["iteration"] is None else int(parts["iteration"])
    where = {"scale": parts["scale"], "task": parts["task"], "method": parts["method"]}
    loaded = Run(root, chosen, **where, seed=int(parts["seed"]), iteration=iteration)
    loaded._job  # noqa: B018 - an unknown task or iteration is an error here, not later
    owner, _ = runs.segments(chosen.methods[loaded.method], loaded.method)[0]
    if not iteration and owner != loaded.method:
        theirs = f"{loaded.scale}/{loaded.task}/{owner}/s{loaded.seed}/i0"
        raise UserError(f"run {text!r}: it shares the warm-up of {owner}; ask for {theirs}")
    return loaded


def names(root: Path = Path()) -> list[str]:
    """Names of the runs that have a log below ``root``, without their iterations."""
    return sorted({"/".join((p[1], *p[3:6])) for p in (log.relative_to(root).parts for log in _logs(root))})


def _logs(root: Path, scale: str = "*", task: str = "*") -> Iterator[Path]:
    return root.glob(paths.LOG.format(scale=scale, task=task, method="*", seed="*", iteration="[!0]*"))


def _trained(root: Path, scale: str, task: str) -> Iterator[str]:
    return (log.relative_to(root).parts[4] for log in _logs(root, scale, task))


def _one_of(epochs: list[int], epoch: int | None, name: str) -> int:
    if epoch is not None and epoch not in epochs:
        raise UserError(f"epoch {epoch}: {name} has no checkpoint after it; it has {', '.join(map(str, epochs))}")
    return epochs[-1] if epoch is None else epoch
