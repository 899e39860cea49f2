"""Models of the entries of params.yaml, a class each section; what they mean together is `supernet.config`'s."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from supernet.errors import UserError
from supernet.settings import Count, Fraction, Index, Part, Positive, Seeds, StandaloneTruth, Strict, Train

TruthName = Literal["valid", "test"]
POOLED = "pool"  # the kind of method that trains on what its search has met
CLOSE = "close"  # the kind of method that trains a net of blocks
BLOCKS = "global_blocks"  # the sharing in which a learnt gate chooses weights
OWN = "own"  # in a study: the search of each method itself
VOTE = "vote"  # the estimator whose scores are majorities of a study's others


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
    channels are divided, of which operations see the first (PC-DARTS: 4; else 1). ``track``: whether batch-norm keeps
    running statistics, and normalises by them outside training.

    ``edge``: the choice, counted from 0, by which few-shot NAS splits all weights, on top of ``sharing``.
    ``warmup_sharing``: how weights are shared in the warm-up, if otherwise, there without an ``edge``; at its end they
    are copied (`supernet.checkpoints.split`), or with ``copies: lazy`` when they are first met (`supernet.nets.lazy`,
    D26). ``extra_1x1``: operations of NAS-Bench-201 that get a 1x1 convolution of their own (conditional super-network
    weights, whose parameter counts include one). ``blocks``: how many CLOSE chooses from, with ``sharing:
    global_blocks``. ``width``, ``cells``: of the super-net, if not the task's: a cheaper proxy of what is searched.
    """

    sharing: Literal["one_shot", "node_shared", "conditional", "global_blocks"]
    affine: bool
    parts: Count = 1
    track: Annotated[bool, Field(exclude_if=lambda tracked: not tracked)] = False
    edge: Annotated[Index | None, Field(exclude_if=lambda edge: edge is None)] = None
    warmup_sharing: Annotated[
        Literal["one_shot", "node_shared"] | None, Field(exclude_if=lambda sharing: sharing is None)
    ] = None
    copies: Annotated[Literal["split", "lazy"], Field(exclude_if=lambda when: when == "split")] = "split"
    extra_1x1: Annotated[Literal["none", "skip", "pool"], Field(exclude_if=lambda which: which == "none")] = "none"
    blocks: Annotated[Count, Field(exclude_if=lambda count: count == 1)] = 1
    width: Annotated[Count | None, Field(exclude_if=lambda width: width is None)] = None
    cells: Annotated[Count | None, Field(exclude_if=lambda cells: cells is None)] = None

    def at(self, iteration: int) -> "Net":
        """The net of that iteration, which splits no more."""
        same = {"warmup_sharing": None, "copies": "split"}
        if self.warmup_sharing is None or iteration:
            return self.model_copy(update=same)
        return self.model_copy(update={**same, "sharing": self.warmup_sharing, "edge": None})


class Method(Plugin):
    """A way of training a super-net, and what regularises it after the warm-up.

    * ``start`` names the entry whose run this one shares up to the end of its own warm-up, where an iteration of that
      run ends, the one of number ``start_at``; ``searcher`` is the search of the algorithm itself.
    * ``additions``: after each iteration but the last, so many of the new architectures that its search met become
      landmarks: the ``added`` ones, ``best`` or ``disputed``, which are those whose ranks by the super-net and by a
      ridge on the landmarks so far differ most.
    * ``order_truth``: which truth orders the landmarks, if not the task's.
    """

    net: Net
    train: Train
    iterations: Count = 1
    start: str | None = None
    start_at: Annotated[Index, Field(exclude_if=lambda iteration: iteration == 0)] = 0
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
    """A way of scoring, and of which architectures: the evaluation set at every checkpoint, or all at the last one.

    ``average``: the weights are the mean of so many checkpoints of the iteration, that one and those before it.
    ``by_class``: an architecture has the score of the one that stands for its class (`SearchSpace.canonical`).
    """

    archs: Annotated[Literal["evaluation", "space"], Field(exclude_if=lambda name: name == "evaluation")] = "evaluation"
    average: Annotated[Count, Field(exclude_if=lambda count: count == 1)] = 1
    by_class: Annotated[Literal["none", "nasbench201", "functional"], Field(exclude_if=lambda name: name == "none")] = (
        "none"
    )


class Searcher(Plugin):
    """A search, and the estimator and score that guide it."""

    estimator: str
    score: str


Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class Study(Strict):
    """A table or figure of a paper: a list of methods on one task, and the contrasts it asks about.

    ``contrasts``: pairs of methods, where ``spos@1`` is the method as it was after its iteration 1. ``searchers``:
    entries, or ``own`` for the search of each method itself; ``seeds``: the scale's, or some of them;
    ``factorial``: the entry whose methods are the study's, and whose factors' effects it asks about. ``alone``: the
    predictors that are fitted to the landmarks alone; ``joined``: whether they, and the number of parameters, are also
    added to super-nets' scores, where a method without landmarks borrows those of the study's first one with some.
    ``top``, ``best``: of how many best-scored and truly best architectures `supernet.report.selection` speaks.
    ``signals``: whether to ask which curves of training say when to split weights (`supernet.report.window`).
    ``criteria``: of which best and worst parts of the architectures `supernet.report.estimators` speaks; ``levels``:
    the estimator whose accuracy is coarse there; ``vote``: lists of scores, as ``oneshot:loss``, whose majority is a
    score of its own; ``scores``: pairs of scores that are compared on the same super-nets. ``logged``: what training
    has logged that becomes a metric.
    """

    title: str
    scales: list[str]
    task: str
    methods: Annotated[list[str], Field(min_length=1)]
    estimators: Annotated[list[str], Field(min_length=1)]
    searchers: list[str] = []
    seeds: Seeds | None = None
    contrasts: list[Pair] = []
    claims: str | None = None
    factorial: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    alone: Annotated[list[Literal["ridge", "counts"]], Field(exclude_if=lambda names: names == ["ridge"])] = ["ridge"]
    joined: Annotated[bool, Field(exclude_if=lambda joined: not joined)] = False
    signals: Annotated[bool, Field(exclude_if=lambda asked: not asked)] = False
    top: Annotated[list[Count], Field(exclude_if=lambda counts: not counts)] = []
    best: Annotated[list[Annotated[int, Field(ge=2)]], Field(exclude_if=lambda counts: not counts)] = []
    criteria: Annotated[list[Part], Field(exclude_if=lambda parts: not parts)] = []
    levels: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    vote: Annotated[list[Annotated[list[str], Field(min_length=2)]], Field(exclude_if=lambda lists: not lists)] = []
    scores: Annotated[list[Pair], Field(exclude_if=lambda pairs: not pairs)] = []
    logged: Annotated[list[str], Field(exclude_if=lambda names: not names)] = []


class Metrics(Strict):
    """Settings of the rank metrics; ``resolution`` as a fraction of accuracy."""

    resolutions: Annotated[list[Positive], Field(min_length=1)]
    precision_at: Annotated[list[Fraction], Field(min_length=1)]
    bootstrap: Count
    level: Annotated[float, Field(gt=0, lt=1)]


def entry(section: dict[str, Any], name: str, where: str) -> Any:
    """The entry called ``name`` of the section ``where``; ``UserError`` with the known names if there is none."""
    if name not in section:
        raise UserError(f"params.yaml: {where}: no {name!r}; known: {', '.join(section)}")
    return section[name]


def dump(model: BaseModel) -> dict[str, Any]:
    """An entry as plain values, as it is stamped on files."""
    return model.model_dump(mode="json")
