"""Random search: the control for every other search."""

import numpy as np

from supernet import arch as archs
from supernet.searchers import Score, Search, Trajectory
from supernet.settings import Count
from supernet.spaces import SearchSpace


def make(*, budget: Count = 1000) -> Search:
    """``budget`` evaluations of architectures drawn uniformly."""

    def search(space: SearchSpace, score: Score, rng: np.random.Generator) -> Trajectory:
        drawn = [archs.sample(space.choices, rng) for _ in range(budget)]
        return list(zip(drawn, map(float, score(drawn)), strict=True))

    return search
