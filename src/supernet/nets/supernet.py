"""The super-net: one set of weights, the architecture an argument."""

import copy
import functools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from supernet.arch import Arch
from supernet.nets import ops
from supernet.nets.sharing import Sharing, one_shot


class Edge(NamedTuple):
    """One live operation of a cell: node ``source`` -> node ``target``."""

    source: int
    target: int
    position: int  # of the choice, hence row of the gates
    option: int  # column of the gates
    name: str  # of the operation
    key: str  # of its weights


Route = tuple[Edge, ...]


class Cell(nn.Module):
    """A directed acyclic graph of operations that keeps shape: ``(N, C, H, W) -> (N, C, H, W)``.

    Node 0 is the input, the last node the output; a node is the sum of its incoming edges. A node that receives no
    signal is zero, and so is whatever is computed from it alone (D06).
    """

    def __init__(self, weights: dict[str, nn.Module], nodes: int):
        super().__init__()
        self.ops = nn.ModuleDict(weights)
        self.nodes = nodes

    def forward(self, x: Tensor, route: Route, gates: Tensor | None = None) -> Tensor:
        nodes: list[Tensor | None] = [x, *[None] * (self.nodes - 1)]
        prepared: dict[tuple[int, object], Tensor] = {}  # relu and pool once a node, however many edges use them
        for edge in route:
            prepare = ops.PREPARE[edge.name]
            at = (edge.source, prepare)
            if at not in prepared:
                prepared[at] = prepare(nodes[edge.source])
            y = self.ops[edge.key](prepared[at]) if edge.key in self.ops else prepared[at]
            if gates is not None:
                y = y * gates[edge.position, edge.option]
            so_far = nodes[edge.target]
            nodes[edge.target] = y if so_far is None else so_far + y
        output = nodes[-1]
        return torch.zeros_like(x) if output is None else output


class SuperNet(nn.Module):
    """Stem, cells of one searched graph with reductions between them, and head.

    * ``edges[i]``: the ``(source, target)`` nodes of choice ``i``; ``options[i]``: its operations' names.
    * ``sharing``: which weights an operation uses (`nets.sharing`).
    * ``stages``: channels of each stage; ``cells`` a stage; a reduction before every stage but the first.
    * ``affine``: learnt scale and shift in the cells' batch-norm (the fixed blocks always have them).
    * ``track``: running batch-norm statistics for evaluation; a super-net has none, its paths differ too much.
    * ``arch``: the one architecture of a stand-alone net, which needs no argument then.
    """

    def __init__(
        self,
        *,
        edges: Sequence[tuple[int, int]],
        options: Sequence[Sequence[str]],
        sharing: Sharing,
        stages: Sequence[int],
        cells: int,
        classes: int,
        affine: bool,
        track: bool = False,
        arch: Arch | None = None,
    ):
        super().__init__()
        self.edges, self.options, self.sharing, self.arch = tuple(edges), tuple(map(tuple, options)), sharing, arch
        nodes = 1 + max(target for _, target in edges)
        self.stem = ops.ConvNorm(3, stages[0], 3, track=track)
        body: list[nn.Module] = []
        for stage, channels in enumerate(stages):
            if stage:
                body.append(ops.Reduction(stages[stage - 1], channels, track))
            body += [Cell(self._weights(channels, affine, track), nodes) for _ in range(cells)]
        self.body = nn.ModuleList(body)
        self.head = ops.Head(stages[-1], classes, track)
        self.route = functools.lru_cache(maxsize=4096)(self._route)
        self.to(memory_format=torch.channels_last)

    def _weights(self, channels: int, affine: bool, track: bool) -> dict[str, nn.Module]:
        """One module for every name that ``sharing`` gives to an operation with weights."""
        sizes = [len(names) for names in self.options]
        found: dict[str, nn.Module] = {}
        for position, names in enumerate(self.options):
            for option, name in enumerate(names):
                if self.arch is not None and self.arch[position] != option:
                    continue
                for key in self.sharing.keys(position, option, sizes):
                    if key not in found and (module := ops.weighted(name, channels, affine, track)) is not None:
                        found[key] = module
        return found

    def forward(self, x: Tensor, arch: Arch | None = None, gates: Tensor | None = None) -> Tensor:
        """Logits ``(N, classes)`` of images ``x: (N, 3, H, W)``.

        ``arch`` alone: that path. ``arch`` with ``gates: (choices, options)``: its operations scaled by their gates.
        ``gates`` alone: the mixture of all operations.
        """
        if arch is None and gates is None:
            arch = self.arch
            if arch is None:
                raise TypeError("a super-net needs an architecture or gates")
        route = self.mixture() if arch is None else self.route(tuple(arch))
        x = self.stem(x)
        for block in self.body:
            x = block(x, route, gates) if isinstance(block, Cell) else block(x)
        return self.head(x)

    def _route(self, arch: Arch) -> Route:
        """The live edges of ``arch``, in order: neither without signal nor without influence on the output."""
        chosen = [(s, t, i, arch[i]) for i, (s, t) in enumerate(self.edges) if self.options[i][arch[i]] != ops.ZERO]
        reached = {0}
        for source, target, _, _ in sorted(chosen, key=lambda e: e[1]):
            if source in reached:
                reached.add(target)
        useful = {max(target for _, target in self.edges)}
        for source, target, _, _ in sorted(chosen, key=lambda e: -e[1]):
            if target in useful:
                useful.add(source)
        return tuple(
            Edge(s, t, i, o, self.options[i][o], self.sharing.key(i, o, arch))
            for s, t, i, o in chosen
            if s in reached and t in useful
        )

    def mixture(self) -> Route:
        """All operations of all edges; needs a sharing that does not depend on the architecture."""
        none = (0,) * len(self.edges)
        return tuple(
            Edge(s, t, i, o, name, self.sharing.key(i, o, none))
            for i, (s, t) in enumerate(self.edges)
            for o, name in enumerate(self.options[i])
            if name != ops.ZERO
        )

    def extract(self, arch: Arch) -> "SuperNet":
        """The stand-alone net of ``arch``: the same function, weights copied, every edge (dead ones too) its own.

        With affine batch-norm its parameters are those the benchmark counts.
        """
        arch = tuple(arch)
        net = copy.copy(self)
        net._modules = {}
        net.stem, net.body, net.head = (copy.deepcopy(m) for m in (self.stem, nn.ModuleList(self.body), self.head))
        net.arch, net.sharing = arch, one_shot(len(arch))
        net.route = functools.lru_cache(maxsize=4)(net._route)
        for block in net.body:
            if isinstance(block, Cell):
                keys = [(net.sharing.key(i, o, arch), self.sharing.key(i, o, arch)) for i, o in enumerate(arch)]
                block.ops = nn.ModuleDict({own: copy.deepcopy(block.ops[old]) for own, old in keys if old in block.ops})
        return net
