"""One battery for every super-net training method: the folder decides what is tested."""

import numpy as np
import pytest
import torch

from supernet import config, methods, plugins, spaces
from supernet.seeding import stream
from supernet.step import Step

SPACE = spaces.load("nasbench201")
LANDMARKS = ((3,) * 6, (1,) * 6, (2,) * 6, (3, 3, 1, 1, 2, 2))
TRUTH = np.array([0.9, 0.5, 0.7, 0.8])
POOL = ((3, 2, 1, 4, 3, 2), (2, 2, 2, 3, 3, 3))


@pytest.fixture(params=plugins.kinds("methods"))
def kind(request):
    return request.param


def make(kind):
    return methods.make(kind, methods.Setup(SPACE, 10, 2, 0, LANDMARKS, TRUTH, POOL), {})


def step(epoch, number=0):
    generator = torch.Generator().manual_seed(number)
    x, guide = (torch.randn(8, 3, 8, 8, generator=generator) for _ in range(2))
    y = torch.arange(8) % 3
    return Step(x, y, epoch, lambda: (guide, y), lambda name: stream(0, name, number), lambda name, value: None)


def losses(method, net, step):
    """All losses of a step, after what the method learns itself."""
    method.own_step(net, step)
    return list(method.losses(net, step))


def test_every_argument_has_a_default_and_fits_the_signature(kind):
    config.schema("methods", kind)()


def test_losses_are_finite_scalars_with_a_gradient(kind):
    net = SPACE.build(width=4, cells=1, classes=3)
    for epoch in (0.5, 2.0, 6.0, 9.9):
        found = losses(make(kind), net, step(epoch))
        assert found and all(loss.shape == () and torch.isfinite(loss) and loss.requires_grad for loss in found)


def test_the_same_step_gives_the_same_losses(kind):
    net = SPACE.build(width=4, cells=1, classes=3)
    values = [[loss.item() for loss in losses(make(kind), net, step(6.0, 5))] for _ in range(2)]
    assert values[0] == values[1]


def test_methods_draw_only_from_the_streams_they_are_given(kind):
    """Nothing global: torch's and numpy's own generators neither matter nor move."""
    net = SPACE.build(width=4, cells=1, classes=3)
    torch.manual_seed(1)
    np.random.seed(1)
    first = [loss.item() for loss in losses(make(kind), net, step(6.0))]
    moved = torch.rand(1), np.random.rand()
    torch.manual_seed(2)
    np.random.seed(2)
    assert [loss.item() for loss in losses(make(kind), net, step(6.0))] == first
    torch.manual_seed(1)
    np.random.seed(1)
    assert moved == (torch.rand(1), np.random.rand())


def test_the_warm_up_needs_no_landmarks(kind):
    net = SPACE.build(width=4, cells=1, classes=3)
    method = methods.make(kind, methods.Setup(SPACE, 10, 2, 0), {})
    assert list(method.losses(net, step(1.0)))


def test_its_own_step_moves_no_weight_and_leaves_no_gradient(kind):
    net = SPACE.build(width=4, cells=1, classes=3)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    make(kind).own_step(net, step(6.0))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())


def take(method, net, step):
    """A whole step but for the weights' update."""
    net.zero_grad(set_to_none=True)
    method.own_step(net, step)
    for loss in method.losses(net, step):
        loss.backward()
    method.look(net)


def test_its_state_is_arrays_that_restore_it(kind):
    net = SPACE.build(width=4, cells=1, classes=3)
    first, again = make(kind), make(kind)
    for number in range(3):
        take(first, net, step(6.0, number))
    state = {name: value.copy() for name, value in first.state().items()}
    assert all(isinstance(value, np.ndarray) and value.ndim for value in state.values())
    again.restore(state)
    for number in range(3, 6):
        take(first, net, step(6.0, number))
        take(again, net, step(6.0, number))
    assert first.state().keys() == again.state().keys() == state.keys()
    assert all(np.array_equal(value, again.state()[name]) for name, value in first.state().items())
    assert not state or any(not np.array_equal(value, state[name]) for name, value in first.state().items())
