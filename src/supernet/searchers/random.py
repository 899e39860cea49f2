"""Random search: the control for every other search."""

import numpy as np

from supernet import arch as archs
from supernet.searchers import Problem, Search, Trajectory
from supernet.settings import Count


def make(*, budget: Count = 1000) -> Search:
    """``budget`` evaluations of architectures drawn uniformly."""

    def search(problem: Problem, rng: np.random.Generator) -> Trajectory:
        choices, score = problem.space.choices, problem.score
        drawn = [archs.sample(choices, rng) for _ in range(budget)]
        return list(zip(drawn, map(float, score(drawn)), strict=True))

    return search
