"""Landmark regularisation and its control on a net."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from supernet import methods, regularisers, spaces
from supernet.errors import UserError
from supernet.nets.gates import soft_path
from supernet.seeding import stream
from supernet.step import Step

SPACE = spaces.load("nasbench201")
CONV3, SKIP = 3, 1
LANDMARKS = ((CONV3,) * 6, (SKIP,) * 6, (2,) * 6)
PAIRS = [(0, 1), (0, 2), (2, 1)]  # by the truth below, the better one first


def step_at(epoch, number=0):
    notes = {}
    generator = torch.Generator().manual_seed(number)
    x, guide = torch.randn(8, 3, 8, 8, generator=generator), torch.randn(8, 3, 8, 8, generator=generator)
    y = torch.arange(8) % 3

    def note(name, value):
        notes[name] = value.item() if isinstance(value, torch.Tensor) else value

    return Step(x, y, epoch, lambda: (guide, y), lambda name: stream(0, name, number), note), notes


def setup_with(truth=(0.9, 0.5, 0.7)):
    return methods.Setup(SPACE, epochs=10, warmup=2, seed=0, landmarks=LANDMARKS, truth=np.array(truth))


def landmark(truth=(0.9, 0.5, 0.7), **args):
    return regularisers.make("landmark", setup_with(truth), args)


def test_gradients_are_those_of_the_weighted_hinge_of_the_drawn_pair():
    net, made, active = SPACE.build(width=4, cells=1, classes=3), landmark(weight=4.0), 0
    for number in range(30):
        step, notes = step_at(6.0, number)
        ((losses, weights),) = made.losses(net, step)
        x, y = step.guide()
        by_hand = [F.cross_entropy(net(x, a), y) for a in LANDMARKS]
        (pair,) = made.pairs(stream(0, "pairs", number)).tolist()
        hinge = F.relu(by_hand[pair[0]] - by_hand[pair[1]])
        assert notes["ranking_loss"] == pytest.approx(hinge.item(), abs=1e-6)
        assert bool(weights.any()) == (hinge.item() > 0) == (notes["violated"] == 1.0)
        if weights.any():
            net.zero_grad()
            (4.0 * 0.5 * hinge).backward()  # half a cosine up, half way
            expected = {n: p.grad.clone() for n, p in net.named_parameters() if p.grad is not None}
            net.zero_grad()
            sum(w * one for w, one in zip(weights, losses, strict=True)).backward()
            found = {n: p.grad for n, p in net.named_parameters() if p.grad is not None}
            assert found.keys() == expected.keys()
            assert all(torch.allclose(found[n], g, atol=1e-5) for n, g in expected.items())
        active += bool(weights.any())
    assert 0 < active < 30


def test_several_pairs_forward_each_landmark_once_and_satisfied_ones_weigh_nothing():
    net, made = SPACE.build(width=4, cells=1, classes=3), landmark(draw="all", schedule="constant", weight=1.0)
    step, notes = step_at(6.0)
    ((losses, weights),) = made.losses(net, step)
    values = [one.item() for one in losses]
    assert len(values) == 3
    wrong = [(b, w) for b, w in PAIRS if values[b] > values[w]]
    assert wrong and notes["violated"] == pytest.approx(len(wrong) / 3)
    expected = np.zeros(3)
    for better, worse in wrong:
        expected[better] += 1
        expected[worse] -= 1
    assert weights.tolist() == expected.tolist()


def test_weighted_by_the_gap_in_accuracy():
    net, args = SPACE.build(width=4, cells=1, classes=3), {"draw": "all", "loss": "margin", "schedule": "constant"}
    step, _ = step_at(6.0)
    ((values, weights),) = landmark(gap_weighted=True, weight=1.0, **args).losses(net, step)
    expected = np.zeros(3)
    for (better, worse), difference in zip(PAIRS, (1.0, 0.5, 0.5), strict=True):
        if values[better].item() - values[worse].item() > -1:
            expected[better] += difference
            expected[worse] -= difference
    assert expected.any() and weights.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_soft_paths_reach_all_operations():
    net, (step, _) = SPACE.build(width=4, cells=1, classes=3), step_at(6.0)
    ((losses, _),) = landmark(softness=0.1).losses(net, step)
    losses[0].backward()
    assert all(p.grad is not None and p.grad.any() for n, p in net.named_parameters() if ".ops.0_" in n)
    gates = soft_path(LANDMARKS[0], [5] * 6, 0.1)
    assert gates.sum(1).tolist() == pytest.approx([1.0] * 6)
    assert gates[0].tolist() == pytest.approx([0.175, 0.175, 0.175, 0.3, 0.175])


def test_shuffled_ranks_keep_the_values_and_depend_on_the_run():
    truth = np.linspace(0.5, 0.9, 30)
    many = tuple((i % 5, i // 5 % 5, 0, 0, 0, 0) for i in range(30))
    orders = []
    for seed in (0, 1):
        setup = methods.Setup(SPACE, epochs=10, warmup=2, seed=seed, landmarks=many, truth=truth)
        shuffled = regularisers.make("landmark", setup, {"ranks": "shuffled"}).pairs
        assert sorted(shuffled.truth) == truth.tolist()
        orders.append({tuple(p) for p in shuffled.ordered.tolist()})
    straight = {tuple(p) for p in regularisers.make("landmark", setup, {}).pairs.ordered.tolist()}
    assert orders[0] != orders[1] and straight not in orders


def test_the_number_of_parameters_may_stand_in_for_the_truth():
    archs = ((3, 0, 0, 0, 0, 0), (3, 3, 0, 0, 0, 0), (2, 0, 0, 0, 0, 0))
    setup = methods.Setup(SPACE, epochs=10, warmup=2, seed=0, landmarks=archs, truth=np.array([0.9, 0.5, 0.7]))
    pairs = regularisers.make("landmark", setup, {"ranks": "parameters"}).pairs
    assert sorted(map(tuple, pairs.ordered.tolist())) == [(0, 2), (1, 0), (1, 2)]


@pytest.mark.parametrize(
    "truth, args, message",
    [
        ((0.9, 0.9, 0.9), {}, "order nothing"),
        ((0.9, 0.5, 0.7), {"draw": "group", "count": 4}, "a group of 4 of only 3 landmarks"),
        ((0.9, 0.5, 0.7), {"ramp": 8.0}, "8 is not less than the 8 epochs after the warm-up"),
    ],
)
def test_impossible_arguments_are_one_line_errors(truth, args, message):
    with pytest.raises(UserError, match=message):
        landmark(truth, **args)


def test_cross_entropy_control_forwards_two_landmarks_at_every_step():
    net = SPACE.build(width=4, cells=1, classes=3)
    control = regularisers.make("landmark_cross_entropy", setup_with(), {})
    assert len(list(control.losses(net, step_at(6.0)[0]))) == 2
