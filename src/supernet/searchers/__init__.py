"""Searches: one file each, which exports ``make(*, ...)`` and returns a `Search`.

The keyword-only parameters of ``make`` are what ``searchers.NAME.args`` in params.yaml may say. Budgets are counted in
evaluations; an architecture met again is not evaluated again, but counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from supernet.arch import Arch
from supernet.plugins import load
from supernet.spaces import SearchSpace

Score = Callable[[Sequence[Arch]], np.ndarray]
Trajectory = list[tuple[Arch, float]]


@dataclass(frozen=True)
class Problem:
    """What a search may use.

    * ``score``: of architectures, ``(len(archs),)``, higher is better; every call counts as evaluations.
    * ``gates``: ``(choices, options)``, logits of the super-net's gates where its training learnt some.
    * ``landmarks``: architectures of known stand-alone performance, ``truth: (len(landmarks),)`` their accuracies.
    """

    space: SearchSpace
    score: Score
    gates: np.ndarray | None = None
    landmarks: tuple[Arch, ...] = ()
    truth: np.ndarray = field(default_factory=lambda: np.empty(0))


class Search(Protocol):
    """Looks for the architecture with the highest score."""

    def __call__(self, problem: Problem, rng: np.random.Generator) -> Trajectory:
        """All evaluations in order, as ``(architecture, score)``."""


def make(kind: str, args: dict[str, Any]) -> Search:
    """The search of file ``kind`` with ``args``, which `supernet.config` has checked."""
    return load("searchers", kind).make(**args)


def remembered(score: Score) -> Score:
    """``score`` that evaluates no architecture twice."""
    known: dict[Arch, float] = {}

    def scores(archs: Sequence[Arch]) -> np.ndarray:
        fresh = list(dict.fromkeys(a for a in archs if a not in known))
        if fresh:
            known.update(zip(fresh, map(float, score(fresh)), strict=True))
        return np.array([known[a] for a in archs])

    return scores
