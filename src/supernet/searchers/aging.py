"""Aging (regularised) evolution (Real et al. 2019), the search of Landmark Regularization's released code."""

import collections

import numpy as np

from supernet import arch as archs
from supernet.searchers import Problem, Search, Trajectory
from supernet.settings import Count


def make(*, budget: Count = 1000, population: Count = 50, tournament: Count = 10) -> Search:
    """``budget`` evaluations: the best of a random ``tournament`` mutates at one position, the oldest member dies."""

    def search(problem: Problem, rng: np.random.Generator) -> Trajectory:
        choices, score = problem.space.choices, problem.score
        first = [archs.sample(choices, rng) for _ in range(min(population, budget))]
        trajectory: Trajectory = list(zip(first, map(float, score(first)), strict=True))
        alive = collections.deque(trajectory, maxlen=population)
        while len(trajectory) < budget:
            rivals = rng.choice(len(alive), size=min(tournament, len(alive)), replace=False)
            parent = max((alive[i] for i in rivals), key=lambda pair: pair[1])
            child = archs.mutate(choices, parent[0], rng)
            trajectory.append((child, float(score([child])[0])))
            alive.append(trajectory[-1])
        return trajectory

    return search
