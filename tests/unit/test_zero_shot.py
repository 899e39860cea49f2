"""Zero-shot estimators: by hand on the smallest nets, and the identities that layers before batch-norm obey."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from supernet import spaces
from supernet.estimators import activations, complexity, gradients, synflow

SPACE = spaces.load("nasbench201")
CONVOLUTIONS = (3, 3, 2, 3, 2, 3)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, 8, 8, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def tiny(arch=CONVOLUTIONS):
    return SPACE.build(width=4, cells=1, classes=3).extract(arch).train()


def test_a_linear_layer_by_hand():
    """One layer, two images, two classes: the gradient of the mean cross-entropy is (p - 1[y]) x / 2."""
    net = nn.Linear(2, 2, bias=False)
    w = torch.tensor([[0.5, -1.0], [0.25, 2.0]])
    with torch.no_grad():
        net.weight.copy_(w)
    x, y = torch.tensor([[1.0, 2.0], [-1.0, 0.5]]), torch.tensor([0, 1])
    p = (x @ w.T).softmax(1)
    delta = (p - torch.eye(2)[y]) / 2
    g = delta.T @ x
    found = gradients.scored(net, x, y)
    assert found["grad_norm"] == pytest.approx(g.norm().item(), rel=1e-5)
    assert found["plain"] == pytest.approx((w * g).sum().item(), rel=1e-5)
    assert found["snip"] == pytest.approx((w * g).abs().sum().item(), rel=1e-5)
    fisher = 0.5 * ((x @ w.T) * delta).square().mean(0).sum().item() * 2  # two weights a channel
    assert found["fisher"] == pytest.approx(fisher, rel=1e-5)
    step = 1e-3  # H g by a difference of gradients

    def gradient(weight):
        return ((((x @ weight.T).softmax(1) - torch.eye(2)[y]) / 2).T @ x).double()

    curved = (gradient((w + step * g).double().float()) - gradient((w - step * g).double().float())) / (2 * step)
    assert found["grasp"] == pytest.approx(-(w * curved).sum().item(), rel=2e-2)


def test_layers_before_batch_norm_add_nothing_to_plain_and_their_squared_norm_to_grasp(batch):
    """Their loss is the same for all scales of w: w g = 0 (Euler), and so -w H g = |g|^2."""

    class Normal(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
            self.append(nn.Flatten())

    torch.manual_seed(0)
    x, y = batch
    net = nn.Sequential(Normal(), nn.Linear(5, 3)).double()
    x = x.double()
    weight, last = net[0][0].weight, net[1].weight
    loss = nn.functional.cross_entropy(net(x), y)
    g, head = torch.autograd.grad(loss, [weight, last], create_graph=True)
    found = gradients.scored(net, x, y)
    assert found["plain"] == pytest.approx((last * head).sum().item(), rel=1e-4)  # batch-norm's epsilon is not nothing
    product = (g * g.detach()).sum() + (head * head.detach()).sum()
    (curved,) = torch.autograd.grad(product, last)
    cross = found["grasp"] + (last * curved).sum().item()  # what the convolution adds
    assert cross == pytest.approx(g.square().sum().item(), rel=1e-3)


def test_synflow_by_hand_and_in_range():
    """Without batch-norm R is linear in each layer's weights, so that |w dR/dw| sums to R once a layer."""
    torch.manual_seed(0)
    convolutions = nn.Conv2d(3, 2, 1, bias=False), nn.Conv2d(2, 2, 3, bias=False)
    net = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(2, 2, bias=False))
    absolute = [module.weight.detach().abs() for module in net if hasattr(module, "weight")]
    hidden = (absolute[0].flatten(1).sum(1)[None, :, None, None] * absolute[1]).sum((1, 2, 3))
    total = (absolute[2] @ hidden).sum().item()
    assert synflow.flow(net, 3, "identity") == pytest.approx(math.log(3 * total), rel=1e-6)
    before = [p.clone() for p in net.parameters()]
    synflow.flow(net, 3, "identity")
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    deep = SPACE.build(width=16, cells=5, classes=10).extract((3,) * 6)
    assert math.isfinite(synflow.flow(deep, 8, "identity")) and math.isfinite(synflow.flow(deep, 8, "kept"))


def test_jacob_cov_by_hand():
    orthogonal = np.array([[1.0, -1, 0, 0], [0, 0, 1, -1]])  # correlation of two rows: 0, so both eigenvalues are 1
    value = 1 + activations.SMALL
    assert activations.jacob_cov(orthogonal) == pytest.approx(-2 * (math.log(value) + 1 / value))
    alike = activations.jacob_cov(np.array([[1.0, -1, 0, 0], [1.0, -1, 0, 0.0]]))
    assert alike < -1e4 < activations.jacob_cov(orthogonal)
    assert activations.jacob_cov(np.zeros((2, 4))) == activations.LOWEST


def test_relu_kernel_counts_the_units_that_agree():
    net = nn.Sequential(nn.Flatten(), nn.ReLU())
    x = torch.tensor([[1.0, -1, 2, 3], [1.0, 1, -2, 3]])
    found = activations.scored(net, x)
    assert found["relus"] == 1
    assert found["relu_logdet"] == pytest.approx(math.log(4 * 4 - 2 * 2))  # units that agree: 4 with itself, 2
    assert activations.scored(net, x[:1].repeat(2, 1))["relu_logdet"] == activations.LOWEST  # identical images


def test_relus_are_those_of_live_convolutions_and_of_the_fixed_part(batch):
    """Two a reduction, one in the head, and one for each convolution that reaches the output, in three cells."""
    dead = (0, 3, 3, 3, 0, 0)  # 1<-0 carries nothing, 2<-1 neither, nobody reads 2<-0
    for arch, live in ((CONVOLUTIONS, 6), (dead, 1), ((0,) * 6, 0)):
        assert activations.scored(tiny(arch), batch[0])["relus"] == 3 * live + 5


def test_counts_are_those_of_the_benchmark_and_of_what_lives():
    fixed = complexity.counted(tiny((0,) * 6), 8)
    assert fixed["parameters"] == fixed["live_parameters"] and fixed["flops"] == fixed["live_flops"]
    dead = complexity.counted(tiny((0, 3, 3, 3, 0, 0)), 8)
    widths, sides = (4, 8, 16), (8, 4, 2)
    assert dead["live_parameters"] - fixed["parameters"] == sum(9 * c * c for c in widths)
    assert dead["parameters"] - fixed["parameters"] == 3 * sum(9 * c * c for c in widths)
    each = sum(9 * c * c * s * s for c, s in zip(widths, sides, strict=True))
    assert dead["live_flops"] - fixed["flops"] == each and dead["flops"] - fixed["flops"] == 3 * each
