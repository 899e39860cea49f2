"""One battery for every search."""

import numpy as np
import pytest

from supernet import arch as archs
from supernet import config, plugins, searchers, spaces
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")
SMALL = {
    "evolution": {"population": 20, "generations": 10, "parents": 5, "mutate": 0.1},
    "aging": {"budget": 200, "population": 20, "tournament": 5},
    "random": {"budget": 200},
}
BUDGET = 200


@pytest.fixture(params=plugins.kinds("searchers"))
def kind(request):
    return request.param


def score(found):
    """A smooth score with one best architecture: the number of 3x3 convolutions."""
    return np.array([sum(o == 3 for o in a) + 0.01 * sum(o == 2 for o in a) for a in found], float)


def run(kind, seed=0, function=score):
    return searchers.make(kind, SMALL.get(kind, {}))(SPACE, function, stream(seed, "search"))


def test_budget_is_counted_in_evaluations_and_scores_are_kept(kind):
    trajectory = run(kind)
    assert len(trajectory) == BUDGET
    assert [s for _, s in trajectory] == score([a for a, _ in trajectory]).tolist()
    assert all(SPACE.is_valid(a) for a, _ in trajectory)


def test_same_stream_same_trajectory(kind):
    assert run(kind) == run(kind) != run(kind, seed=1)


def test_searches_beat_random_search_on_a_smooth_score(kind):
    best = np.mean([max(s for _, s in run(kind, seed)) for seed in range(5)])
    control = np.mean([max(s for _, s in run("random", seed)) for seed in range(5)])
    assert best >= control if kind == "random" else best > control + 0.5


def test_remembered_scores_each_architecture_once():
    seen = []

    def counting(found):
        seen.extend(found)
        return score(found)

    trajectory = run("aging", function=searchers.remembered(counting))
    assert len(seen) == len(set(seen)) == len({a for a, _ in trajectory})


def test_evolution_breeds_from_the_best(kind):
    """Later evaluations score higher than early ones, unless the search does not learn."""
    scores = np.array([s for _, s in run(kind)])
    gain = scores[-50:].mean() - scores[:20].mean()
    assert abs(gain) < 0.5 if kind == "random" else gain > 1


def test_defaults_are_a_thousand_evaluations(kind):
    defaults = config.schema("searchers", kind)().model_dump()
    product = defaults.get("budget") or defaults["population"] * defaults["generations"]
    assert product == 1000
    assert archs.size(SPACE.choices) > product
