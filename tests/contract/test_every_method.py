"""One battery for every super-net training method: the folder decides what is tested."""

import numpy as np
import pytest
import torch

from supernet import config, methods, plugins, spaces
from supernet.seeding import stream
from supernet.step import Conditional, Step

SPACE = spaces.load("nasbench201")
LANDMARKS = ((3,) * 6, (1,) * 6, (2,) * 6, (3, 3, 1, 1, 2, 2))
TRUTH = np.array([0.9, 0.5, 0.7, 0.8])


@pytest.fixture(params=plugins.kinds("methods"))
def kind(request):
    return request.param


def make(kind):
    return methods.make(kind, methods.Setup(SPACE, 10, 2, 0, LANDMARKS, TRUTH), {})


def step(epoch, number=0):
    generator = torch.Generator().manual_seed(number)
    x, guide = (torch.randn(8, 3, 8, 8, generator=generator) for _ in range(2))
    y = torch.arange(8) % 3
    return Step(x, y, epoch, lambda: (guide, y), lambda name: stream(0, name, number), lambda name, value: None)


def losses(method, net, step):
    """All losses of a step, those too that count only under a condition."""
    return [one.loss if isinstance(one, Conditional) else one for one in method.losses(net, step)]


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


def test_all_methods_share_their_training_paths(kind):
    """Common random numbers: the first loss of a step is that of the same path, whatever the method adds."""
    net = SPACE.build(width=4, cells=1, classes=3)
    spos = next(iter(make("spos").losses(net, step(6.0, 3))))
    assert next(iter(make(kind).losses(net, step(6.0, 3)))).item() == spos.item()
