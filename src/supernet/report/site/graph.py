"""The rules of the pipeline and what flows between them: a layered drawing, laid out by grandalf."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from supernet import plan
from supernet.job import Job
from supernet.report.site.results import spent

# In the order of the pipeline; an edge against it is a loop: the next iteration. Each is a function of `supernet.plan`.
RULES = (
    "data", "table", "archs", "truth", "train", "score", "search", "measure", "summary", "figures", "ledger",
)  # fmt: skip
OF_STAGE = {
    "evaluation": "archs", "space": "archs", "landmarks": "archs", "additions": "archs",
    "lookup": "truth", "standalone": "truth",
}  # fmt: skip
BOX, GAP, MARGIN = (76, 34), (8, 36), 4  # width and height, in units of the drawing


@dataclass
class Rule:
    """A rule: how many jobs of it there are, their core-hours (None: not known), one of its files, what it reads."""

    name: str
    makes: str
    jobs: list[Job] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    hours: float | None = None

    @property
    def example(self) -> str:
        """A file that one of its jobs makes."""
        return min(path for job in self.jobs for path in job.outputs.values())


def rules(jobs: Iterable[Job]) -> list[Rule]:
    """The rules behind ``jobs``, which depend on no others, in the order of the pipeline."""
    found = {name: Rule(name, getattr(plan, name).__doc__.partition("\n")[0].replace("``", "")) for name in RULES}
    maker = {}
    for job in jobs:
        name = OF_STAGE.get(job.stage, job.stage)
        found[name].jobs.append(job)
        maker |= dict.fromkeys(job.outputs.values(), name)
    for rule in found.values():
        rule.reads = {maker[path] for job in rule.jobs for path in job.sources if path in maker}
        rule.hours = spent(rule.jobs)
    return [rule for rule in found.values() if rule.jobs]


@dataclass(frozen=True)
class Drawing:
    """A drawing: boxes ``(name, x, y)`` by their upper left corner, edges ``(from, to, path, loop)``."""

    width: int
    height: int
    boxes: list[tuple[str, int, int]]
    edges: list[tuple[str, str, str, bool]]


def draw(found: list[Rule]) -> Drawing:
    """Lay the rules out from top to bottom; that a rule reads its own kind, the iteration before, is left out."""
    from grandalf.graphs import Edge, Vertex, graph_core
    from grandalf.layouts import SugiyamaLayout
    from grandalf.routing import EdgeViewer

    order = [rule.name for rule in found]
    points = {name: Vertex(name) for name in order}
    for point in points.values():
        point.view = _Box()
    pairs = [(a, rule.name) for rule in found for a in order if a in rule.reads and a != rule.name]
    edges = {pair: Edge(*(points[name] for name in pair)) for pair in pairs}
    for edge in edges.values():
        edge.view = EdgeViewer()
    loops = {pair for pair in pairs if order.index(pair[0]) > order.index(pair[1])}
    fed = {b for a, b in pairs if (a, b) not in loops}
    # Not `Graph`, which orders edges by their addresses; one part, as everything leads to `measure` or comes from it.
    layout = SugiyamaLayout(graph_core(points.values(), edges.values()))
    layout.xspace, layout.yspace = GAP
    layout.route_edge = lambda edge, line: None  # the lines are drawn here, from box to box
    roots = [points[name] for name in order if name not in fed]
    layout.init_all(roots=roots, inverted_edges=[edges[pair] for pair in pairs if pair in loops])
    layout.draw(10)
    centres = {name: point.view.xy for name, point in points.items()}
    lines = {pair: _line(edge.view._pts, *(centres[name] for name in pair)) for pair, edge in edges.items()}
    every = [*centres.values(), *(point for line in lines.values() for point in line)]
    left, top = (min(values) - size / 2 - MARGIN for values, size in zip(zip(*every, strict=True), BOX, strict=True))
    right, low = (max(values) + size / 2 + MARGIN for values, size in zip(zip(*every, strict=True), BOX, strict=True))
    return Drawing(
        width=round(right - left),
        height=round(low - top),
        boxes=[(n, round(x - BOX[0] / 2 - left), round(y - BOX[1] / 2 - top)) for n, (x, y) in centres.items()],
        edges=[(*p, _path([(x - left, y - top) for x, y in line]), p in loops) for p, line in lines.items()],
    )


class _Box:
    """What grandalf asks of a vertex: its size. It adds ``xy``, the centre."""

    def __init__(self) -> None:
        self.w, self.h = BOX
        self.xy = (0.0, 0.0)


Point = tuple[float, float]


def _line(line: list[Point], start: Point, end: Point) -> list[Point]:
    """From the lower edge of one box to the upper edge of the other, or back up, by the points that grandalf set."""
    down = 1 if end[1] > start[1] else -1
    middle = line[1:-1]
    if down < 0 and not middle:  # back up beside the edge that leads down
        middle = [((start[0] + end[0]) / 2 + BOX[0] / 2, (start[1] + end[1]) / 2)]
    return [(start[0], start[1] + down * BOX[1] / 2), *middle, (end[0], end[1] - down * BOX[1] / 2)]


def _path(line: list[Point]) -> str:
    """An SVG path through ``line``, its corners rounded."""
    first, *middle, last = [f"{x:.0f} {y:.0f}" for x, y in line]
    if not middle:
        return f"M{first} L{last}"
    halves = [f"{(a[0] + b[0]) / 2:.0f} {(a[1] + b[1]) / 2:.0f}" for a, b in itertools.pairwise(line[1:-1])]
    corners = " ".join(f"Q{corner} {end}" for corner, end in zip(middle, [*halves, last], strict=True))
    return f"M{first} {corners}"
