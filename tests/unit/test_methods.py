"""The hinge, its weight and the two controls, by hand and on a net."""

import math

import numpy as np
import pytest
import torch

from supernet import methods, spaces
from supernet.errors import UserError
from supernet.methods.landmark import cosine_weight, ranking_hinge
from supernet.seeding import stream
from supernet.step import Step

SPACE = spaces.load("nasbench201")
CONV3, SKIP = 3, 1
LANDMARKS = ((CONV3,) * 6, (SKIP,) * 6, (2,) * 6)


def step_at(epoch, number=0):
    notes = {}
    generator = torch.Generator().manual_seed(number)
    x, guide = torch.randn(8, 3, 8, 8, generator=generator), torch.randn(8, 3, 8, 8, generator=generator)
    y = torch.arange(8) % 3

    def note(name, value):
        notes[name] = value.item() if isinstance(value, torch.Tensor) else value

    return Step(x, y, epoch, lambda: (guide, y), lambda name: stream(0, name, number), note), notes


def setup_with(truth, warmup=2):
    return methods.Setup(SPACE, epochs=10, warmup=warmup, seed=0, landmarks=LANDMARKS, truth=np.array(truth))


def test_hinge_by_hand():
    losses = torch.tensor([0.5, 0.2, 0.9])
    assert ranking_hinge(losses, torch.tensor([[0, 1]])).item() == pytest.approx(0.3)  # better one has the higher loss
    assert ranking_hinge(losses, torch.tensor([[1, 0]])).item() == 0
    assert ranking_hinge(losses, torch.tensor([[0, 1], [2, 1], [0, 2]])).item() == pytest.approx(0.3 + 0.7)


def test_hinge_descends_the_better_and_ascends_the_worse():
    losses = torch.tensor([0.5, 0.2], requires_grad=True)
    ranking_hinge(losses, torch.tensor([[0, 1]])).backward()
    assert losses.grad.tolist() == [1.0, -1.0]


def test_weight_by_hand():
    assert cosine_weight(4.9, 10, 5) == 0
    assert cosine_weight(5, 10, 5) == 0
    assert cosine_weight(7.5, 10, 5) == pytest.approx(0.5)
    assert cosine_weight(10, 10, 5) == pytest.approx(1.0)
    assert cosine_weight(6, 10, 5) == pytest.approx(0.5 * (1 - math.cos(math.pi / 5)))


def test_warm_up_is_spos_and_asks_for_no_guide_batch():
    step, _ = step_at(1.0)
    step.guide = lambda: pytest.fail("the warm-up drew a guide batch")
    net = SPACE.build(width=4, cells=1, classes=3)
    for kind in ("landmark", "landmark_cross_entropy"):
        method = methods.make(kind, setup_with([0.9, 0.5, 0.7]), {})
        expected = list(methods.make("spos", setup_with([]), {}).losses(net, step))
        assert [loss.item() for loss in method.losses(net, step)] == [loss.item() for loss in expected]


def test_regularised_loss_is_the_weighted_hinge_of_the_drawn_pair():
    net = SPACE.build(width=4, cells=1, classes=3)
    method = methods.make("landmark", setup_with([0.9, 0.5, 0.7]), {"weight": 4.0})
    active = 0
    for number in range(30):
        step, notes = step_at(6.0, number)
        found = list(method.losses(net, step))
        x, y = step.guide()
        losses = [torch.nn.functional.cross_entropy(net(x, a), y).item() for a in LANDMARKS]
        pairs = [(0, 1), (0, 2), (2, 1)]  # better first
        hinges = [max(0.0, losses[b] - losses[w]) for b, w in pairs]
        assert any(notes["hinge"] == pytest.approx(h, abs=1e-6) for h in hinges)
        assert found[1].active.item() == (notes["hinge"] > 0) == (notes["violated"] == 1.0)
        assert found[1].loss.item() == pytest.approx(4.0 * cosine_weight(6.0, 10, 2) * notes["hinge"], rel=1e-5)
        active += found[1].active.item()
    assert 0 < active < 30


def test_all_pairs_are_drawn_equally_often():
    method = methods.make("landmark", setup_with([0.9, 0.5, 0.7]), {})
    assert {tuple(p) for p in method.ordered.tolist()} == {(0, 1), (0, 2), (2, 1)}
    drawn = np.concatenate([stream(0, "pairs", n).integers(len(method.ordered), size=1) for n in range(3000)])
    assert np.bincount(drawn).min() > 900


def test_shuffled_ranks_keep_the_values_and_depend_on_the_run():
    truth = np.linspace(0.5, 0.9, 30)
    many = tuple((i % 5, i // 5 % 5, 0, 0, 0, 0) for i in range(30))
    orders = []
    for seed in (0, 1):
        setup = methods.Setup(SPACE, epochs=10, warmup=2, seed=seed, landmarks=many, truth=truth)
        method = methods.make("landmark", setup, {"ranks": "shuffled"})
        assert len(method.ordered) == 30 * 29 // 2
        orders.append({tuple(p) for p in method.ordered.tolist()})
    straight = {tuple(p) for p in methods.make("landmark", setup, {}).ordered.tolist()}
    assert orders[0] != orders[1] and straight not in orders


def test_tied_landmarks_form_no_pair_and_all_tied_is_an_error():
    assert len(methods.make("landmark", setup_with([0.9, 0.9, 0.7]), {}).ordered) == 2
    with pytest.raises(UserError, match="order nothing"):
        methods.make("landmark", setup_with([0.9, 0.9, 0.9]), {})


def test_cross_entropy_control_forwards_two_landmarks_at_every_step():
    net = SPACE.build(width=4, cells=1, classes=3)
    method = methods.make("landmark_cross_entropy", setup_with([0.9, 0.5, 0.7]), {})
    assert len(list(method.losses(net, step_at(6.0)[0]))) == 3
