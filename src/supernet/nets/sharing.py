"""Weight sharing as a pure function: which weights does an operation use at a position of an architecture?

One axis of the literature in one file. Weights are named by the slot they belong to, the option, and the options
chosen at the position's priors; the fewer priors, the more is shared.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from supernet.arch import Arch
from supernet.errors import UserError


@dataclass(frozen=True)
class Sharing:
    """``slots[position]``: whose weights the position uses; ``priors[position]``: the choices that split them."""

    slots: tuple[int, ...]
    priors: tuple[tuple[int, ...], ...]
    learnt: ClassVar[bool] = False  # whether training changes which weights an operation uses (`nets.closenet`)

    def key(self, position: int, option: int, arch: Arch) -> str:
        """Name of the weights of ``option`` at ``position`` of ``arch``: ``slot_option``, then the priors' options."""
        return "_".join(str(k) for k in (self.slots[position], option, *(arch[p] for p in self.priors[position])))

    def keys(self, position: int, option: int, sizes: Sequence[int]) -> Iterator[str]:
        """All names that ``option`` at ``position`` can have, where choice ``i`` has ``sizes[i]`` options."""
        return (self.key(position, option, arch) for arch in self._archs(position, option, sizes))

    def at(self, arch: Arch) -> "Sharing":
        """The sharing as it is for ``arch``."""
        return self

    def gated(self, position: int, option: int, arch: Arch) -> list[tuple[int, str]]:
        """What gates weigh in place of the operation: the gate's number and the name of the weights."""
        return [(option, self.key(position, option, arch))]

    def parents(self, coarser: "Sharing", sizes: Sequence[int]) -> dict[str, str]:
        """The name that each set of weights has in ``coarser``, from which it is copied when that is split."""
        return {
            self.key(position, option, arch): coarser.key(position, option, arch)
            for position in range(len(sizes))
            for option in range(sizes[position])
            for arch in self._archs(position, option, sizes)
        }

    def _archs(self, position: int, option: int, sizes: Sequence[int]) -> Iterator[Arch]:
        """An architecture with ``option`` at ``position`` for every combination of its priors."""
        arch = [0] * len(sizes)
        arch[position] = option
        free = [p for p in self.priors[position] if p != position]
        for values in itertools.product(*(range(sizes[p]) for p in free)):
            for p, value in zip(free, values, strict=True):
                arch[p] = value
            yield tuple(arch)


def one_shot(positions: int) -> Sharing:
    """One set of weights an operation and position, shared by all architectures (one-shot NAS, SPOS)."""
    return Sharing(tuple(range(positions)), ((),) * positions)


def node_shared(slots: Sequence[int]) -> Sharing:
    """Positions with equal slots share their weights, as in Landmark Regularization's released code (D05)."""
    return Sharing(tuple(slots), ((),) * len(slots))


def conditional(arcs: Sequence[tuple[int, int]], positions: int) -> Sharing:
    """Weights by the choices that a position reads from (conditional super-network weights, Laube et al. 2022).

    ``arcs``: of the space. Preceding choices are the direct ones: NAS-Bench-201's edges 3 and 5 depend on edge 1, edge
    6 on 2 and 3; a layer of a chain on the one before.
    """
    priors = [tuple(sorted(i for i, reader in arcs if reader == j and i >= 0)) for j in range(positions)]
    return Sharing(tuple(range(positions)), tuple(priors))


def few_shot(base: Sharing, edge: int) -> Sharing:
    """``base`` with all weights by the option of one choice too: a super-net for each option (Zhao et al. 2021).

    The fixed blocks around the searched graphs stay shared.
    """
    positions = len(base.slots)
    if not 0 <= edge < positions:
        raise UserError(f"net.edge: {edge} is none of the space's {positions} choices, counted from 0")
    priors = (set(own) | ({edge} if p != edge else set()) for p, own in enumerate(base.priors))
    return Sharing(base.slots, tuple(tuple(sorted(own)) for own in priors))


def make(kind: str, arcs: Sequence[tuple[int, int]], slots: Sequence[int], edge: int | None = None) -> Sharing:
    """The sharing called ``kind`` of a space with these ``arcs`` and ``slots``; with ``edge`` it is few-shot too."""
    match kind:
        case "one_shot":
            base = one_shot(len(slots))
        case "node_shared":
            base = node_shared(slots)
        case "conditional":
            base = conditional(arcs, len(slots))
        case _:
            raise UserError(f"sharing {kind!r}: expected one_shot, node_shared or conditional")
    return base if edge is None else few_shot(base, edge)
