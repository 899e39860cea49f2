"""One battery for every search."""

import functools
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from supernet import arch as archs
from supernet import config, plugins, searchers, spaces
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")
SMALL = {
    "evolution": {"population": 20, "generations": 10, "parents": 5, "mutate": 0.1},
    "aging": {"budget": 200, "population": 20, "tournament": 5},
    "random": {"budget": 200},
    "nao": {"budget": 200, "initial": 80, "batch": 40, "generated": 1.0, "seeds": 40, "epochs": 20},
    "predictor": {"budget": 200, "initial": 50, "batch": 50},
    "gates": {"draws": 200},
}
BUDGET = 200


@pytest.fixture(params=plugins.kinds("searchers"))
def kind(request):
    return request.param


def score(found):
    """A smooth score with one best architecture: the number of 3x3 convolutions."""
    return np.array([sum(o == 3 for o in a) + 0.01 * sum(o == 2 for o in a) for a in found], float)


LANDMARKS = tuple(archs.sample(SPACE.choices, stream(0, "landmarks", i)) for i in range(10))
GATES = np.tile([0.0, 0.0, 1.0, 2.0, 0.0], (6, 1))  # of a super-net that has learnt what `score` likes
PROBLEM = searchers.Problem(SPACE, score, GATES, LANDMARKS, 0.5 + score(LANDMARKS) / 20)


def run(kind, seed=0, problem=PROBLEM, **args):
    return searchers.make(kind, SMALL.get(kind, {}) | args)(problem, stream(seed, "search"))


known_run = functools.cache(run)


def asked(kind, args):
    """The evaluations that ``args`` ask for; None where the search itself decides."""
    settings = config.schema("searchers", kind)(**args).model_dump()
    if "budget" in settings:
        return settings["budget"]
    return settings["population"] * settings["generations"] if "population" in settings else None


def test_budget_is_counted_in_evaluations_and_the_trajectory_is_what_was_scored(kind):
    seen = []

    def watched(found):
        seen.extend(found)
        return score(found)

    trajectory = run(kind, problem=replace(PROBLEM, score=watched))
    assert 0 < len(trajectory) <= BUDGET
    assert len(trajectory) == (asked(kind, SMALL.get(kind, {})) or len(trajectory))
    assert trajectory == list(zip(seen, score(seen).tolist(), strict=True))
    assert all(SPACE.is_valid(a) for a, _ in trajectory)


def test_the_stream_alone_decides_the_trajectory(kind):
    """Nothing global: the generators of torch, numpy and Python neither matter nor move."""
    first = known_run(kind)
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(1)
    moved = torch.rand(1), np.random.rand(), random.random()
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(1)
    assert run(kind) == first != known_run(kind, seed=1)
    assert moved == (torch.rand(1), np.random.rand(), random.random())


def test_searches_beat_random_search_on_a_smooth_score(kind):
    best = np.mean([max(s for _, s in known_run(kind, seed)) for seed in range(5)])
    control = np.mean([max(s for _, s in known_run("random", seed)) for seed in range(5)])
    assert best >= control if kind == "random" else best > control + 0.5


def test_what_is_evaluated_last_is_better_than_chance_unless_the_search_does_not_learn(kind):
    scores = [s for _, s in known_run(kind)]
    gain = np.mean(scores[-(len(scores) // 4) :]) - np.mean([s for _, s in known_run("random", seed=1)])
    assert abs(gain) < 0.5 if kind == "random" else gain > 1


def test_defaults_are_a_thousand_evaluations(kind):
    evaluations = asked(kind, {})
    assert evaluations in (1000, None)
    assert archs.size(SPACE.choices) > 1000


def test_remembered_scores_each_architecture_once():
    seen = []

    def counting(found):
        seen.extend(found)
        return score(found)

    trajectory = run("aging", problem=replace(PROBLEM, score=searchers.remembered(counting)))
    assert len(seen) == len(set(seen)) == len({a for a, _ in trajectory})


@pytest.mark.parametrize("kind", ["nao", "predictor"])
def test_searches_that_learn_a_model_evaluate_no_architecture_twice(kind):
    assert len({a for a, _ in known_run(kind)}) == BUDGET


@pytest.mark.parametrize(("kind", "args"), [("nao", {"epochs": 1}), ("predictor", {})])
def test_the_budget_ends_with_the_space(kind, args):
    class Tiny:
        choices = SPACE.choices[:2]

        def is_valid(self, arch):
            return len(arch) == 2

    tiny = searchers.Problem(Tiny(), score)
    assert len(run(kind, problem=tiny, **args, initial=10, batch=10)) == 25
