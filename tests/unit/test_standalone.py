"""Stand-alone training: rows, seeds, resume."""

import numpy as np
import pytest
import torch

from supernet import records, spaces, standalone
from supernet.data import Images
from supernet.nets.stacked import Stacked
from supernet.settings import StandaloneTruth, Train
from supernet.step import Trainer

SPACE = spaces.load("nasbench201")
TRUTH = StandaloneTruth(
    kind="standalone", seeds=[0, 1], train=Train(epochs=10, batch=16, lr=0.05, weight_decay=5e-4, nesterov=True)
)
ARCHS = [(3,) * 6, (0,) * 6]
NET = {"width": 4, "cells": 1, "classes": 2}


def images(seed):
    """Two classes that differ in brightness: easy for any net that sees the image."""
    rng = np.random.default_rng(seed)
    labels = np.arange(64) % 2
    pixels = (rng.integers(0, 128, (64, 8, 8, 3)) + 127 * labels[:, None, None, None]).astype(np.uint8)
    half = torch.full((3,), 0.5)
    return Images(torch.from_numpy(pixels), torch.from_numpy(labels), mean=half, std=half, classes=2, flip=True)


def train(state=None, archs=ARCHS):
    splits = {"weights": images(0), "guide": images(1), "test": images(2)}
    return standalone.standalone_truth(SPACE, archs, TRUTH, NET, splits, state=state, label=None)


def test_a_net_that_sees_the_image_learns_and_one_that_does_not_guesses():
    table = train()
    assert list(table.columns) == ["arch", "valid", "test", "valid_s0", "test_s0", "valid_s1", "test_s1"]
    assert table["test"][0] > 0.95 and table["test"][1] == 0.5
    assert table["valid"][0] == pytest.approx((table["valid_s0"][0] + table["valid_s1"][0]) / 2)


def test_finished_trainings_are_kept_and_not_repeated(tmp_path):
    whole = train(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    one = next(tmp_path.iterdir())
    records.write_json(one, {**records.read_json(one), "test_s0": 0.456})
    again = train(tmp_path)
    assert 0.456 in again.filter(like="test_s").to_numpy()
    one.unlink()
    assert train(tmp_path).equals(whole)  # what is missing is trained again, to the same bits


def test_an_architecture_gives_the_same_bits_in_any_company():
    assert train(archs=ARCHS[:1]).iloc[0].equals(train().iloc[0])


def test_seeds_side_by_side_are_the_trainings_one_by_one():
    """Logits before and after ten steps, and every parameter: each has its own batches and clipping."""
    arch, settings = (3, 1, 2, 4, 3, 2), Train(epochs=5, batch=16, lr=0.05, weight_decay=5e-4, clip=0.5)
    nets = [SPACE.build(**NET, affine=True, track=True, seed=seed).extract(arch) for seed in (0, 1, 2)]
    stack = Stacked(nets)
    x = images(3).plain(np.arange(8))[0]
    for _ in range(2):
        side_by_side = stack.eval()(x.repeat(1, 3, 1, 1))
        for i, net in enumerate(nets):
            assert torch.allclose(side_by_side[:, :, i], net.eval()(x), atol=1e-3)
            for name, value in net.state_dict().items():
                if value.dim():
                    stacked = stack.net.state_dict()[name].unflatten(0, (3, -1))[i]
                    assert torch.allclose(stacked, value, atol=1e-3), name
        for net, seeds in [(stack, [5, 6, 7]), *((net, [5 + i]) for i, net in enumerate(nets))]:
            trainer = Trainer(net, standalone.Plain(), images(0), None, settings, seeds)
            for number in range(10):
                trainer.step(number, lambda name, value: None)
