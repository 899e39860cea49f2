"""Ranking losses and pairs, by hand."""

import math

import numpy as np
import pytest
import torch

from supernet import ranking
from supernet.seeding import stream

TRUTH = np.array([0.9, 0.5, 0.7, 0.7])  # two of them tied


@pytest.mark.parametrize("name", ranking.LOSSES)
def test_a_violation_costs_more_and_descends_the_better(name):
    """Pins the signs: the loss of the better one goes down, that of the worse one up."""
    losses = torch.tensor([0.8, 0.2], requires_grad=True)  # the better one, ranked wrongly, and the worse one
    wrong = ranking.LOSSES[name](losses[:1] - losses[1:])
    right = ranking.LOSSES[name](losses.detach()[1:] - losses.detach()[:1])
    assert wrong.item() > right.item() >= 0
    wrong.sum().backward()
    assert losses.grad[0] > 0 > losses.grad[1]


def test_by_hand():
    gaps = torch.tensor([-0.5, 0.0, 0.5, -2.0])
    expected = {
        "hinge": [0, 0, 0.5, 0],
        "margin": [0.5, 1, 1.5, 0],
        "tanh": [0, 0, math.tanh(0.5), 0],
        "cross_entropy": [math.log(1 + math.exp(g)) for g in gaps.tolist()],
        "softplus": [math.log(1 + math.exp(5 * g)) / 5 for g in gaps.tolist()],
    }
    assert expected.keys() == ranking.LOSSES.keys()
    for name, values in expected.items():
        assert ranking.LOSSES[name](gaps).tolist() == pytest.approx(values, abs=1e-6), name


def draws(draw, count=1, number=200, truth=TRUTH):
    pairs = ranking.Pairs(truth, draw, count)
    return [pairs(stream(0, "pairs", n)) for n in range(number)]


@pytest.mark.parametrize("draw", ["pairs", "worse_first", "triples", "group", "adjacent", "all"])
def test_the_better_comes_first_and_ties_order_nothing(draw):
    for drawn in draws(draw, count=3):
        assert drawn.shape[1] == 2 and (TRUTH[drawn[:, 0]] > TRUTH[drawn[:, 1]]).all()


def test_all_ordered_pairs_are_drawn_equally_often():
    counts = {}
    for drawn in draws("pairs", number=3000):
        (pair,) = map(tuple, drawn.tolist())
        counts[pair] = counts.get(pair, 0) + 1
    assert counts.keys() == {(0, 1), (0, 2), (0, 3), (2, 1), (3, 1)} and min(counts.values()) > 500


def test_the_worse_drawn_first_prefers_pairs_of_the_best():
    """Of three: the pair of the two best has chance 1/2, each pair with the worst 1/4 (uniform: 1/3 each)."""
    drawn = np.concatenate(draws("worse_first", 3000, 1, np.array([0.1, 0.5, 0.3])))
    chances = {pair: np.mean((drawn == pair).all(1)) for pair in ((1, 2), (1, 0), (2, 0))}
    assert chances == pytest.approx({(1, 2): 0.5, (1, 0): 0.25, (2, 0): 0.25}, abs=0.03)


def test_the_worse_drawn_first_as_the_released_code_does_of_thirty():
    """Its law, computed: the two best take part in 13.7 % of the draws each, the best ten meet in 31.0 % of them."""
    truth = np.linspace(1, 0, 30)  # in order of rank
    drawn = ranking.Pairs(truth, "worse_first", 40000)(stream(0, "pairs"))
    for best in (0, 1):
        assert np.mean(drawn == best) == pytest.approx(0.0683, abs=0.004)  # of both places
    assert np.mean((drawn < 10).all(1)) == pytest.approx(0.310, abs=0.01)


def test_sizes_and_members():
    distinct = np.array([0.1, 0.4, 0.2, 0.3, 0.5])
    assert len(draws("pairs", 7, 1)[0]) == 7
    assert sorted(map(tuple, draws("all", 1, 1)[0])) == [(0, 1), (0, 2), (0, 3), (2, 1), (3, 1)]
    assert draws("adjacent", 1, 1, distinct)[0].tolist() == [[4, 1], [1, 3], [3, 2], [2, 0]]
    (triple,) = draws("triples", 1, 1, distinct)
    assert triple[0][1] == triple[1][0] and len(triple) == 2
    for group in draws("group", 4, 20, distinct):
        assert len(group) == 6 and len(np.unique(group)) == 4 and len(np.unique(group, axis=0)) == 6
