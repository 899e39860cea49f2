"""One battery for every regulariser, around every method: the folders decide what is tested."""

import numpy as np
import pytest
import torch
from test_every_method import LANDMARKS, POOL, SPACE, TRUTH, step

from supernet import config, methods, plugins, regularisers
from supernet.step import Weighted


@pytest.fixture(params=plugins.kinds("regularisers"))
def kind(request):
    return request.param


def setup():
    return methods.Setup(SPACE, 10, 2, 0, LANDMARKS, TRUTH, POOL)


def make(kind, method="spos"):
    made = setup()
    return regularisers.Regularised(
        methods.make(method, made, {}), regularisers.make(kind, made, {}), warmup=made.warmup
    )


def numbers(losses):
    return [(one.weights.tolist(), [x.item() for x in one.losses]) if isinstance(one, Weighted) else one.item()
            for one in losses]  # fmt: skip


def test_every_argument_has_a_default_and_fits_the_signature(kind):
    config.schema("regularisers", kind)()


def test_its_losses_are_finite_and_depend_on_the_weights(kind):
    net, added = SPACE.build(width=4, cells=1, classes=3), regularisers.make(kind, setup(), {})
    for epoch in (3.0, 6.0, 9.9):
        for one in added.losses(net, step(epoch)):
            parts = one.losses if isinstance(one, Weighted) else [one]
            assert all(part.shape == () and torch.isfinite(part) and part.requires_grad for part in parts)
            if isinstance(one, Weighted):
                assert one.weights.shape == (len(parts),) and not one.weights.requires_grad


@pytest.mark.parametrize("method", plugins.kinds("methods"))
def test_a_methods_own_losses_come_first_and_are_the_same(kind, method):
    net = SPACE.build(width=4, cells=1, classes=3)
    own = numbers(methods.make(method, setup(), {}).losses(net, step(6.0, 3)))
    both = numbers(make(kind, method).losses(net, step(6.0, 3)))
    assert both[: len(own)] == own and len(both) > len(own)


def test_the_warm_up_draws_no_guide_batch(kind):
    net, early = SPACE.build(width=4, cells=1, classes=3), step(1.0)
    early.guide = lambda: pytest.fail("the warm-up drew a guide batch")
    own = numbers(methods.make("spos", setup(), {}).losses(net, early))
    assert numbers(make(kind).losses(net, early)) == own


def test_it_draws_only_from_the_streams_it_is_given(kind):
    net = SPACE.build(width=4, cells=1, classes=3)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        found.append(numbers(make(kind).losses(net, step(6.0))))
    assert found[0] == found[1]
