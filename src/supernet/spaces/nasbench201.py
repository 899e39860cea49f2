"""NAS-Bench-201 (Dong and Yang 2020): a cell of four nodes, six edges with five operations each, 15,625 cells.

With fewer operations it is one of its subsets: ``nasbench201_no_zero``, ``nasbench201_convolutions``.
"""

import functools
import re
from typing import TYPE_CHECKING, Literal

from supernet import arch as archs
from supernet.arch import Arch, Choice
from supernet.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from supernet.nets.supernet import Operations, SuperNet

OPTIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (source, target), in the order of the native string
ENDS = ((-1, (-1, 0)), *enumerate(EDGES), (len(EDGES), (3, 4)))  # as if input and output of the cell were edges too
SLOTS = (0, 1, 2, 3, 4, 4)  # released landmark code: edges that enter a node from node 1 or later share weights (D05)
TOKEN = re.compile(r"([a-z0-9_]+)~(\d)")
# What each `extra_1x1` puts in place of an option (D28).
EXTRA = {"none": {}, "skip": {"skip_connect": "linear_skip"}, "pool": {"avg_pool_3x3": "linear_pool"}}


class NASBench201:
    """The search space with all or some of its operations; see `supernet.spaces.SearchSpace` for what it promises."""

    arcs = tuple((i, j) for i, (_, node) in ENDS for j, (source, _) in ENDS if node == source)

    def __init__(self, name: str, options: tuple[str, ...] = OPTIONS):
        self.name, self.options = name, options
        self.choices = tuple(Choice(f"{target}<-{source}", options) for source, target in EDGES)

    def is_valid(self, arch: Arch) -> bool:
        return len(arch) == len(EDGES) and all(0 <= option < len(self.options) for option in arch)

    def format(self, arch: Arch) -> str:
        names = self.names(arch)
        nodes = [[f"{name}~{s}" for name, (s, t) in zip(names, EDGES, strict=True) if t == n] for n in (1, 2, 3)]
        return "+".join("|" + "|".join(node) + "|" for node in nodes)

    def parse(self, text: str) -> Arch:
        tokens = TOKEN.findall(text)
        if all(name in self.options for name, _ in tokens) and len(tokens) == len(EDGES):
            arch = tuple(self.options.index(name) for name, _ in tokens)
            if self.format(arch) == text:
                return arch
        raise UserError(
            f"architecture {text!r}: expected |op~0|+|op~0|op~1|+|op~0|op~1|op~2| with op in {', '.join(self.options)}"
        )

    def canonical(self, arch: Arch, reduction: Literal["nasbench201", "functional"] = "functional") -> Arch:
        """The lexicographically first architecture of the isomorphism class of ``arch``.

        ``nasbench201``: the benchmark's own reduction, 6,466 classes. ``functional``: zero terms and skips of sums
        are removed as well, 4,930 classes. Both write a cell out as a sum of terms, so that one operation whose output
        is used twice is not told from two operations of a kind, each used once. Isomorphic architectures are *not*
        equal inside a super-net, whose weights lie on edges.
        """
        return _representatives(self, reduction)[_expression(self.names(arch), reduction)]

    def parameters(self, arch: Arch, *, width: int, cells: int, classes: int) -> int:
        ones, threes = (self.names(arch).count(name) for name in ("nor_conv_1x1", "nor_conv_3x3"))
        stem = 27 * width + 2 * width
        per_cell = sum((ones + 9 * threes) * c**2 + (ones + threes) * 2 * c for c in (width, 2 * width, 4 * width))
        # A reduction C -> 2C: 3x3 convolutions C -> 2C and 2C -> 2C, 1x1 shortcut, two affine batch-norms.
        reductions = sum((18 + 36 + 2) * c**2 + 8 * c for c in (width, 2 * width))
        head = 2 * 4 * width + (4 * width + 1) * classes
        return stem + cells * per_cell + reductions + head

    def build(
        self,
        *,
        width: int,
        cells: int,
        classes: int,
        sharing: str = "one_shot",
        edge: int | None = None,
        affine: bool = False,
        parts: int = 1,
        track: bool = False,
        extra_1x1: str = "none",
        blocks: int = 1,
        seed: int = 0,
    ) -> "SuperNet":
        from supernet.nets import closenet, ops
        from supernet.nets import sharing as sharings
        from supernet.nets.supernet import SuperNet

        if width % parts:
            raise UserError(f"net.parts: {parts} does not divide the task's width, {width}")

        def layers() -> "Iterator[nn.Module | Operations]":
            yield ops.ConvNorm(3, width, 3, track=track)
            for channels in (width, 2 * width, 4 * width):
                if channels > width:
                    yield ops.Reduction(channels // 2, channels, track)
                for _ in range(cells):
                    yield lambda position, name, c=channels // parts: ops.weighted(name, c, affine, track)
            yield ops.Head(4 * width, classes, track)

        options = [EXTRA[extra_1x1].get(option, option) for option in self.options]
        with ops.seeded(seed):
            if sharing == "global_blocks":
                shared = closenet.blocks(EDGES, options, blocks)
            else:
                shared = sharings.make(sharing, self.arcs, SLOTS, edge)
        with ops.seeded(seed):  # the same weights, whoever else was given some
            return SuperNet(layers(), edges=EDGES, options=[options] * len(EDGES), sharing=shared, parts=parts)

    def names(self, arch: Arch) -> tuple[str, ...]:
        """The operation at each edge."""
        return tuple(self.options[option] for option in archs.check(self.choices, arch))


def _expression(names: tuple[str, ...], reduction: str) -> str:
    """The cell as an expression of its input, equal for isomorphic cells (NAS-Bench-201's canonical string).

    The benchmark's own reduction stops a zero at the sum it enters; the functional one drops it there, and lets a
    skip of a sum dissolve into the sum that takes it.
    """
    terms: list[tuple[str, ...]] = [("0",)]
    for node in (1, 2, 3):
        incoming: list[str] = []
        for name, (source, target) in zip(names, EDGES, strict=True):
            if target != node:
                continue
            value = "+".join(terms[source])
            if reduction == "functional":
                if name != "none" and terms[source]:
                    incoming += terms[source] if name == "skip_connect" else (f"({value})@{name}",)
            elif name == "none" or value == "#":
                incoming.append("#")
            else:
                incoming.append(value if name == "skip_connect" else f"({value})@{name}")
        terms.append(tuple(sorted(incoming)))
    return "+".join(terms[3])


@functools.cache
def _representatives(space: NASBench201, reduction: str) -> dict[str, Arch]:
    found: dict[str, Arch] = {}
    for arch in archs.enumerate_archs(space.choices):
        found.setdefault(_expression(space.names(arch), reduction), arch)
    return found


SPACE = NASBench201("nasbench201")
