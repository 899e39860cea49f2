"""Search on a predictor of the super-net's scores, which a landmark corrects by its stand-alone performance.

Chen et al. 2020 ("Fitting the Search Space of Weight-sharing NAS with Graph Convolutional Networks") fit a graph
network to scores and search on it, because it is less noisy than they are. The landmarks as points are ours.
"""

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np

from supernet import arch as archs
from supernet import landmarks
from supernet.arch import Arch
from supernet.predictors import graph, ridge
from supernet.searchers import Problem, Search, Trajectory
from supernet.settings import Count

MODELS = {"ridge": ridge.fit, "graph": graph.fit}
CANDIDATES = 1000  # new random architectures that a round predicts, beside
BEST = 10  # the neighbours of so many


def make(
    *,
    budget: Count = 1000,
    initial: Count = 100,
    batch: Count = 100,
    model: Literal["ridge", "graph"] = "ridge",
    truth: bool = True,
) -> Search:
    """``budget`` evaluations, all distinct: ``initial`` first ones, then rounds of the ``batch`` best predicted.

    ``truth``: landmarks are among the first, and what ``model`` is fitted to is not their score but their stand-alone
    performance, `on_scale` of the scores. Else, or with fewer than two landmarks, the first are all random.
    """

    def search(problem: Problem, rng: np.random.Generator) -> Trajectory:
        space = problem.space
        end = min(budget, archs.size(space.choices))
        known = dict(zip(problem.landmarks[:end], map(float, problem.truth[:end]), strict=True))
        if not truth or len(known) < 2:
            known = {}
        scores: dict[Arch, float] = {}

        def fresh(count: int, seen: Collection[Arch]) -> list[Arch]:
            return landmarks.sample(space.choices, rng, kind="uniform", count=count, forbidden=seen) if count else []

        def evaluate(chosen: list[Arch]) -> None:
            scores.update(zip(chosen, map(float, problem.score(chosen)), strict=True))

        evaluate([*known, *fresh(max(0, min(initial, end) - len(known)), known)])
        while len(scores) < end:
            points = scores | on_scale(known, scores)
            predict = MODELS[model](space, list(points), list(points.values()), rng)
            best = sorted(points, key=points.__getitem__, reverse=True)[:BEST]
            around = [a for arch in best for a in archs.neighbours(space.choices, arch) if a not in scores]
            new = list(dict.fromkeys(around + fresh(min(CANDIDATES, archs.size(space.choices) - len(scores)), scores)))
            order = np.argsort(-predict(new), kind="stable")[: min(batch, end - len(scores))]
            evaluate([new[i] for i in order])
        return list(scores.items())

    return search


def on_scale(truth: Mapping[Arch, float], scores: Mapping[Arch, float]) -> dict[Arch, float]:
    """``truth``, shifted and stretched to the mean and standard deviation of its architectures' ``scores``."""
    if not truth:
        return {}
    values, seen = np.array(list(truth.values())), np.array([scores[arch] for arch in truth])
    moved = seen.mean() + seen.std() * (values - values.mean()) / (values.std() or 1.0)
    return dict(zip(truth, moved.tolist(), strict=True))
