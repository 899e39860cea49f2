"""Learnt gates: mixtures by hand, GDAS's temperature and gradient, PC-DARTS's divided channels."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from supernet import methods, spaces
from supernet.errors import UserError
from supernet.seeding import stream
from supernet.step import Step

SPACE = spaces.load("nasbench201")
SKIP, CONV3, POOL = 1, 3, 4


def setup():
    return methods.Setup(SPACE, epochs=10, warmup=2, seed=0)


def step_at(epoch, number=0):
    generator = torch.Generator().manual_seed(number)
    x, guide = torch.randn(16, 3, 8, 8, generator=generator), torch.randn(16, 3, 8, 8, generator=generator)
    y = torch.arange(16) % 3
    return Step(x, y, epoch, lambda: (guide, y), lambda name: stream(0, name, number), lambda name, value: None)


def images():
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_temperature_falls_linearly_to_the_coldest_and_stays_positive():
    gdas = methods.make("gdas", setup(), {})
    assert [gdas.temperature(e) for e in (2, 6, 10, 11)] == pytest.approx([10.0, 5.05, 0.1, 0.1])


@pytest.mark.parametrize("kind", ["gdas", "darts"])
def test_gates_learn_what_lowers_the_guide_loss(kind):
    """A path of poolings trained to fit the guide batch gains probability; nothing moves in the warm-up."""
    net, guide = SPACE.build(width=8, cells=1, classes=3), step_at(6.0).guide()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(net(guide[0], (POOL,) * 6), guide[1]).backward()
        optimiser.step()
    method = methods.make(kind, setup(), {"lr": 0.05})
    before = method.gates.log_probabilities()[:, POOL].detach().clone()
    method.own_step(net, step_at(1.0))
    assert torch.equal(method.gates.log_probabilities()[:, POOL], before)
    for number in range(40):
        step = step_at(6.0, number)
        step.guide = lambda: guide
        method.own_step(net, step)
    assert method.gates.log_probabilities()[:, POOL].mean() > before.mean() + 0.1


def test_the_sampled_paths_of_gdas_follow_the_gates():
    gdas = methods.make("gdas", setup(), {})
    with torch.no_grad():
        gdas.gates.logits[:] = torch.log(torch.tensor([0.1, 0.2, 0.3, 0.4, 1e-9]))

    class Asked(torch.nn.Module):
        paths = []

        def forward(self, x, arch):
            self.paths.append(arch)
            return torch.zeros(len(x), 3, requires_grad=True)

    net = Asked()
    for number in range(1000):
        list(gdas.losses(net, step_at(6.0, number)))
    shares = np.bincount(np.array(net.paths).ravel(), minlength=5) / 6000
    assert shares == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.0], abs=0.02)


def test_one_edge_of_divided_channels_by_hand():
    """Operations see the first half, the other goes past, the halves are shuffled, and the edges of a node averaged."""
    net = SPACE.build(width=4, cells=1, classes=3, parts=2)
    cell = net.body[0]
    assert cell.ops["0_3"][0].weight.shape == (2, 2, 3, 3)
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    none, arch = 0, (CONV3, SKIP, 0, 0, 0, 0)  # node 3 sees nodes 0, 1 and 2 by zeros alone
    found = cell(x, net.plan(arch), {}, None, torch.tensor([1.0, 0.5, 0.5, 0.2, 0.3, 0.5]))

    def edge(source, option, key):
        first = source[:, :2]
        values = {none: torch.zeros_like, SKIP: lambda x: x, CONV3: lambda x: cell.ops[key](F.relu(x))}
        seen = values[option](first)
        return F.channel_shuffle(torch.cat([seen, source[:, 2:]], 1), 2)

    one = edge(x, CONV3, "0_3")
    two = 0.5 * edge(x, SKIP, None) + 0.5 * edge(one, none, None)
    three = 0.2 * edge(x, none, None) + 0.3 * edge(one, none, None) + 0.5 * edge(two, none, None)
    assert torch.allclose(found, three, atol=1e-6)


def test_edges_of_divided_channels_are_averaged_unless_weighted():
    net = SPACE.build(width=4, cells=1, classes=3, parts=2)
    mean = torch.tensor([1, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3])
    assert torch.equal(net(images(), (CONV3,) * 6), net(images(), (CONV3,) * 6, weights=mean))


def test_a_hard_mixture_of_divided_channels_is_the_path():
    net = SPACE.build(width=8, cells=1, classes=3, parts=4)
    arch = (CONV3, SKIP, POOL, 2, 0, CONV3)
    gates = F.one_hot(torch.tensor(arch), 5).float()
    assert torch.allclose(net(images(), arch), net(images(), gates=gates), atol=1e-5)


def test_pc_darts_learns_the_weights_of_the_edges():
    net = SPACE.build(width=8, cells=1, classes=3, parts=4)
    method = methods.make("darts", setup(), {"lr": 0.05})
    weights = method.mixture(net)["weights"]
    assert weights.tolist() == pytest.approx([1, 1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3], abs=0.01)
    method.own_step(net, step_at(6.0))
    moved = method.mixture(net)["weights"]
    assert not torch.equal(moved[1:], weights[1:]) and moved[0] == 1
    sums = [moved[:1].sum(), moved[1:3].sum(), moved[3:].sum()]
    assert [s.item() for s in sums] == pytest.approx([1, 1, 1])


def test_parts_that_do_not_divide_the_channels_are_a_one_line_error():
    with pytest.raises(UserError, match=r"net\.parts: 3 does not divide the task's width, 8"):
        SPACE.build(width=8, cells=1, classes=3, parts=3)
