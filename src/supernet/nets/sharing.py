"""Weight sharing as a pure function: which weights does an operation use at a position of an architecture?

One axis of the literature in one file. Weights are named by the slot they belong to, the option, and the options
chosen at the position's priors; the fewer priors, the more is shared.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from supernet.arch import Arch


@dataclass(frozen=True)
class Sharing:
    """``slots[position]``: whose weights the position uses; ``priors[position]``: the choices that split them."""

    slots: tuple[int, ...]
    priors: tuple[tuple[int, ...], ...]

    def key(self, position: int, option: int, arch: Arch) -> str:
        """Name of the weights of ``option`` at ``position`` of ``arch``: ``slot_option``, then the priors' options."""
        return "_".join(str(k) for k in (self.slots[position], option, *(arch[p] for p in self.priors[position])))

    def keys(self, position: int, option: int, sizes: Sequence[int]) -> Iterator[str]:
        """All names that ``option`` at ``position`` can have, where choice ``i`` has ``sizes[i]`` options."""
        arch = [0] * len(sizes)
        arch[position] = option
        free = [p for p in self.priors[position] if p != position]
        for values in itertools.product(*(range(sizes[p]) for p in free)):
            for p, value in zip(free, values, strict=True):
                arch[p] = value
            yield self.key(position, option, tuple(arch))


def one_shot(positions: int) -> Sharing:
    """One set of weights an operation and position, shared by all architectures (one-shot NAS, SPOS)."""
    return Sharing(tuple(range(positions)), ((),) * positions)


def node_shared(slots: Sequence[int]) -> Sharing:
    """Positions with equal slots share their weights, as in Landmark Regularization's released code (D05)."""
    return Sharing(tuple(slots), ((),) * len(slots))
