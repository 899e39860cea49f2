"""Searches, each by what is its own; what holds for all of them is in tests/contract."""

from dataclasses import replace

import numpy as np
import pytest

from supernet import arch as archs
from supernet import searchers, spaces
from supernet.arch import Choice
from supernet.errors import UserError
from supernet.searchers import nao, predictor
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")
SMALL = {
    "nao": {"budget": 200, "initial": 80, "batch": 40, "generated": 1.0, "seeds": 40, "epochs": 20},
    "predictor": {"budget": 200, "initial": 50, "batch": 50},
    "gates": {"draws": 200},
}


def score(found):
    """A smooth score with one best architecture: the number of 3x3 convolutions."""
    return np.array([sum(o == 3 for o in a) + 0.01 * sum(o == 2 for o in a) for a in found], float)


LANDMARKS = tuple(archs.sample(SPACE.choices, stream(0, "landmarks", i)) for i in range(10))
PROBLEM = searchers.Problem(SPACE, score, None, LANDMARKS, 0.5 + score(LANDMARKS) / 20)


def run(kind, seed=0, problem=PROBLEM, **args):
    return searchers.make(kind, SMALL[kind] | args)(problem, stream(seed, "search"))


# nao


def test_a_round_of_nao_is_what_the_controller_names_and_a_random_rest(monkeypatch):
    calls = []

    class Controller:
        def __init__(self, space, rng): ...

        def fit(self, scores, rng, epochs):
            assert list(scores.values()) == score(list(scores)).tolist()  # each architecture with its own
            calls.append([len(scores), epochs])

        def generate(self, seeds, count, known):
            calls[-1] += [len(seeds), count]
            assert min(score(seeds)) >= max(score([a for a in known if a not in seeds]))
            return [a for a in archs.enumerate_archs(SPACE.choices) if a not in known][: count - 5]  # five too few

    monkeypatch.setattr(nao, "Controller", Controller)
    trajectory = run("nao", budget=190, generated=0.5)
    assert calls == [[80, 20, 40, 20], [120, 20, 40, 20], [160, 20, 40, 15]]
    for start, named in ((80, 15), (120, 15), (160, 10)):
        assert all(arch[:3] == (0, 0, 0) for arch, _ in trajectory[start : start + named])
    assert len({a for a, _ in trajectory}) == 190


# predictor


@pytest.mark.parametrize("model", list(predictor.MODELS))
def test_a_predictor_finds_the_best_of_a_smooth_score_with_either_model(model):
    assert max(s for _, s in run("predictor", model=model)) == 6


def test_landmarks_truth_corrects_a_super_net_that_is_wrong_about_the_best():
    """A score that is blind to 3x3 convolutions, and landmarks that know of them."""

    def blind(found):
        return np.array([0.1 * sum(o == 2 for o in a) for a in found])

    many = tuple(archs.sample(SPACE.choices, stream(1, "landmarks", i)) for i in range(60))
    problem = replace(PROBLEM, score=blind, landmarks=many, truth=score(many))
    with_truth, without = (run("predictor", problem=problem, truth=truth) for truth in (True, False))
    assert with_truth[: len(many)] == list(zip(many, blind(many), strict=True))  # evaluated too, and kept as scored
    assert score([a for a, _ in with_truth[100:]]).mean() > score([a for a, _ in without[100:]]).mean() + 1


def test_one_landmark_has_no_scale_and_adds_nothing():
    single = replace(PROBLEM, landmarks=LANDMARKS[:1], truth=PROBLEM.truth[:1])
    assert run("predictor", problem=single) == run("predictor", truth=False)


def test_truth_on_the_scale_of_scores_by_hand():
    a, b, c = LANDMARKS[:3]
    scores = {a: 10.0, b: 30.0, c: 99.0}
    assert predictor.on_scale({a: 0.9, b: 0.7}, scores) == pytest.approx({a: 30.0, b: 10.0})
    assert predictor.on_scale({a: 0.9, b: 0.9}, scores) == pytest.approx({a: 20.0, b: 20.0})
    assert predictor.on_scale({}, scores) == {}


# gates


class Two:
    choices = (Choice("a", ("x", "y")), Choice("b", ("x", "y", "z")))


def test_gates_keep_the_most_frequent_then_the_most_probable_then_the_first():
    class Scripted:
        columns = iter(np.array([(1, 2), (1, 0), (0, 2), (1, 1), (1, 1), (0, 2), (0, 0)]).T)

        def choice(self, options, size, p):
            assert size == 7 and len(p) == options
            return next(self.columns)

    gates = np.array([[0.0, 0.0, 9.0], [0.0, 0.0, 1.0]])
    problem = searchers.Problem(Two(), lambda found: np.arange(len(found)) / 8, gates)
    found = searchers.make("gates", {"draws": 7, "keep": 4})(problem, Scripted())
    # Two of two draws, of which the first is the more probable; two of one draw, likewise; then the order decides.
    assert found == [((0, 2), 0.0), ((1, 1), 0.125), ((1, 2), 0.25), ((0, 0), 0.375)]


def test_gates_are_logits_of_the_options_that_a_choice_has():
    """Probabilities 0.2 and 0.8, then 0.1, 0.3 and 0.6; what stands beyond the first choice's options is ignored."""
    gates = np.log([[1.0, 4.0, 1e9], [1.0, 3.0, 6.0]]) + 5
    problem = searchers.Problem(Two(), lambda found: np.zeros(len(found)), gates)
    drawn = [run("gates", seed, problem, draws=1)[0][0] for seed in range(1000)]
    assert np.mean([a for a, _ in drawn]) == pytest.approx(0.8, abs=0.05)
    assert np.bincount([b for _, b in drawn]) / 1000 == pytest.approx([0.1, 0.3, 0.6], abs=0.05)


def test_without_gates_one_line_says_so():
    with pytest.raises(UserError, match=r"^searchers: gates .*learns gates[^\n]*$"):
        run("gates", problem=replace(PROBLEM, gates=None))
