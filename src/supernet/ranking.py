"""Ranking losses of pairs of architectures, and which pairs.

Everywhere ``gap = loss of the better - loss of the worse``: positive where the super-net ranks the pair wrongly. Names
in parentheses are those of Landmark Regularization's released code.
"""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor
from torch.nn import functional as F

MARGIN = 1.0
SHARPNESS = 5.0  # beta of the softplus; the released code's runner-up to the hinge


def hinge(gap: Tensor) -> Tensor:
    """``max(0, gap)`` (eq. 4; ``mae_relu``)."""
    return F.relu(gap)


def margin(gap: Tensor) -> Tensor:
    """``max(0, gap + 1)``: satisfied only where the better is better by the margin."""
    return F.relu(gap + MARGIN)


def softplus(gap: Tensor) -> Tensor:
    """``log(1 + exp(5 gap)) / 5``, a smooth hinge (``mae_softplus``, beta 5)."""
    return F.softplus(gap, beta=SHARPNESS)


def cross_entropy(gap: Tensor) -> Tensor:
    """``-log sigmoid(-gap)``, RankNet's (Burges et al. 2005; ``crossentropy``)."""
    return F.softplus(gap)


def tanh(gap: Tensor) -> Tensor:
    """``max(0, tanh gap)``: large violations count no more than middling ones (``mae_tanh_relu``)."""
    return F.relu(gap.tanh())


LOSSES: Mapping[str, Callable[[Tensor], Tensor]] = {
    f.__name__: f for f in (hinge, margin, softplus, cross_entropy, tanh)
}


class Pairs:
    """Which ordered pairs of architectures a step compares; ``truth: (n,)`` is higher for better ones.

    * ``pairs``: ``count`` of all ordered pairs, uniformly and with repetition (eq. 6).
    * ``worse_first``: ``count`` times one of all but the best, uniformly, and then one of those that are better: pairs
      among the best come up far more often (the released code; D08).
    * ``triples``: ``count`` times three architectures, of which the neighbours in rank are compared.
    * ``group``: ``count`` architectures, and all pairs among them.
    * ``adjacent``: all neighbours in rank. ``all``: all pairs (eq. 4).

    Exact ties order nothing (D04), so that a step may have no pair at all.
    """

    def __init__(self, truth: np.ndarray, draw: str, count: int):
        self.truth, self.draw, self.count = truth, draw, count
        self.ordered = np.argwhere(truth[:, None] > truth[None, :])  # all (better, worse)

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        """``(k, 2)`` indices of architectures, the better one first."""
        n = len(self.truth)
        match self.draw:
            case "all":
                return self.ordered
            case "pairs":
                return self.ordered[rng.integers(len(self.ordered), size=self.count)]
            case "worse_first":
                ranked = self._ranked(np.arange(n))
                worse = rng.integers(1, n, size=self.count)
                return self._untied(np.stack([ranked[rng.integers(worse)], ranked[worse]], 1))
            case "adjacent":
                return self._untied(_neighbours(self._ranked(np.arange(n))))
            case "triples":
                threes = [self._ranked(rng.choice(n, size=3, replace=False)) for _ in range(self.count)]
                return self._untied(np.concatenate([_neighbours(three) for three in threes]))
            case "group":
                group = self._ranked(rng.choice(n, size=self.count, replace=False))
                better, worse = np.triu_indices(self.count, 1)
                return self._untied(np.stack([group[better], group[worse]], 1))
        raise ValueError(self.draw)

    def _ranked(self, members: np.ndarray) -> np.ndarray:
        return members[np.argsort(-self.truth[members], kind="stable")]

    def _untied(self, pairs: np.ndarray) -> np.ndarray:
        return pairs[self.truth[pairs[:, 0]] > self.truth[pairs[:, 1]]]


def _neighbours(ranked: np.ndarray) -> np.ndarray:
    return np.stack([ranked[:-1], ranked[1:]], 1)
