"""Architectures as tuples of ints, and everything that needs only the list of choices.

Position ``i`` of an ``Arch`` indexes ``space.choices[i].options``. An architecture is never a rank and never a live
object: it can be hashed, printed and stored.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from supernet.errors import UserError

Arch = tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """One decision of a search space: ``name`` for people, ``options`` the operations to choose from."""

    name: str
    options: tuple[str, ...]


def check(choices: Sequence[Choice], arch: Sequence[int]) -> Arch:
    """Return ``arch`` as a tuple; raise ``UserError`` unless it picks one existing option at every position."""
    sizes = [len(c.options) for c in choices]
    if len(arch) != len(sizes) or any(not 0 <= a < n for a, n in zip(arch, sizes, strict=True)):
        raise UserError(f"architecture {tuple(arch)}: expected {len(sizes)} option numbers below {sizes}")
    return tuple(int(a) for a in arch)


def size(choices: Sequence[Choice]) -> int:
    """Number of architectures: the product of the numbers of options."""
    return int(np.prod([len(c.options) for c in choices], dtype=object))


def enumerate_archs(choices: Sequence[Choice]) -> Iterator[Arch]:
    """All architectures in lexicographic order."""
    return itertools.product(*(range(len(c.options)) for c in choices))


def sample(choices: Sequence[Choice], rng: np.random.Generator) -> Arch:
    """One architecture, uniform over the product of the options."""
    return tuple(int(rng.integers(len(c.options))) for c in choices)


def hamming(a: Arch, b: Arch) -> int:
    """Number of positions at which ``a`` and ``b`` differ."""
    return sum(x != y for x, y in zip(a, b, strict=True))


def mutate(choices: Sequence[Choice], arch: Arch, rng: np.random.Generator) -> Arch:
    """``arch`` with one uniformly chosen position set to a uniformly chosen *other* option (Hamming distance 1)."""
    open_positions = [i for i, c in enumerate(choices) if len(c.options) > 1]
    i = open_positions[rng.integers(len(open_positions))]
    option = int(rng.integers(len(choices[i].options) - 1))
    return (*arch[:i], option + (option >= arch[i]), *arch[i + 1 :])


def mutate_each(choices: Sequence[Choice], arch: Arch, probability: float, rng: np.random.Generator) -> Arch:
    """``arch`` with every position resampled with ``probability`` (SPOS's mutation; may return ``arch`` itself)."""
    resample = rng.random(len(choices)) < probability
    return tuple(int(rng.integers(len(c.options))) if r else a for a, c, r in zip(arch, choices, resample, strict=True))


def crossover(a: Arch, b: Arch, rng: np.random.Generator) -> Arch:
    """Each position from ``a`` or ``b`` with probability one half (uniform crossover)."""
    return tuple(x if pick else y for x, y, pick in zip(a, b, rng.random(len(a)) < 0.5, strict=True))


def neighbours(choices: Sequence[Choice], arch: Arch) -> list[Arch]:
    """All architectures at Hamming distance 1."""
    return [
        (*arch[:i], option, *arch[i + 1 :])
        for i, c in enumerate(choices)
        for option in range(len(c.options))
        if option != arch[i]
    ]


def one_hot(choices: Sequence[Choice], archs: Sequence[Arch]) -> np.ndarray:
    """One-hot code, shape ``(len(archs), total number of options)``, float64."""
    offsets = np.cumsum([0, *(len(c.options) for c in choices)])
    code = np.zeros((len(archs), offsets[-1]))
    for row, arch in enumerate(archs):
        code[row, offsets[:-1] + np.asarray(arch)] = 1.0
    return code
