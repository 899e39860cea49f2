"""Evolution as in SPOS (Guo et al. 2020): the best breed, by crossover and mutation, a generation at a time (D17)."""

from collections.abc import Callable

import numpy as np

from supernet import arch as archs
from supernet.arch import Arch
from supernet.searchers import Problem, Search, Trajectory
from supernet.settings import Count, Fraction

TRIES = 10  # draws of one child before a known architecture is accepted


def make(*, population: Count = 50, generations: Count = 20, parents: Count = 10, mutate: Fraction = 0.1) -> Search:
    """``population * generations`` evaluations; the ``parents`` best so far breed; ``mutate``: chance of a position."""

    def search(problem: Problem, rng: np.random.Generator) -> Trajectory:
        choices, score = problem.space.choices, problem.score
        trajectory: Trajectory = []
        known: set[Arch] = set()

        def draw(count: int, child: Callable[[], Arch]) -> list[Arch]:
            drawn = []
            for _ in range(count):
                for _ in range(TRIES):
                    arch = child()
                    if arch not in known:
                        break
                known.add(arch)
                drawn.append(arch)
            return drawn

        generation = draw(population, lambda: archs.sample(choices, rng))
        for number in range(generations):
            if number:
                ranked = sorted(dict(trajectory).items(), key=lambda pair: -pair[1])
                best = [arch for arch, _ in ranked[:parents]]
                pick = lambda: best[rng.integers(len(best))]  # noqa: E731, B023
                children = draw(population // 2, lambda: archs.crossover(pick(), pick(), rng))  # noqa: B023
                mutants = draw(
                    population - len(children),
                    lambda: archs.mutate_each(choices, pick(), mutate, rng),  # noqa: B023
                )
                generation = children + mutants
            trajectory += zip(generation, map(float, score(generation)), strict=True)
        return trajectory

    return search
