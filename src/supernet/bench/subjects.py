"""What the cases run: noise in the shape of CIFAR-10, sampled architectures, nets and trainers of them."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet import arch as archs
from supernet import landmarks, spaces
from supernet.arch import Arch
from supernet.bench.timing import Work
from supernet.data import Images
from supernet.device import layout
from supernet.ranking import hinge
from supernet.seeding import stream
from supernet.settings import Train
from supernet.step import Method, Step, Trainer, Weighted

Rows = list[dict[str, Any]]
SPACE = spaces.load("nasbench201")
WIDTH = 16


def row(
    case: str, cells: int | None, batch: int, seconds: float, against: str, ratio: float, *,
    target: float | None = None, images: int | None = None, work: Work | None = None, bound: float | None = None,
    larger_is_better: bool = False, memory: int | None = None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """One number: ``seconds`` for ``images``, and its ``ratio`` to ``against``.

    ``work``: of its convolutions; ``bound``: the ratio that the convolutions alone would have.
    """
    return {
        "case": case, "cells": cells, "batch": batch, "seconds": seconds, "images": images, "against": against,
        "ratio": ratio, "target": target, "larger_is_better": larger_is_better, "bound": bound,
        "gflops": work and work.flops / seconds / 1e9, "attainable_gflops": work and work.flops / work.seconds / 1e9,
        "peak_memory_mb": memory, **more,
    }  # fmt: skip


def images(count: int, where: str, size: int = 32, seed: int = 0) -> Images:
    """Noise in the shape of CIFAR-10."""
    rng = stream(seed, "bench images")
    pixels, labels = rng.integers(0, 256, (count, size, size, 3), np.uint8), rng.integers(0, 10, count)
    half = torch.full((3,), 0.5)
    return Images(
        torch.from_numpy(pixels), torch.from_numpy(labels), mean=half, std=half, classes=10, flip=True, device=where
    )


@functools.cache
def sampled(count: int) -> list[Arch]:
    """Uniform architectures, the same in every case."""
    return [archs.sample(SPACE.choices, stream(0, "bench", i)) for i in range(count)]


def build(cells: int, where: str, width: int = WIDTH) -> nn.Module:
    """The super-net of NAS-Bench-201."""
    return SPACE.build(width=width, cells=cells, classes=10).to(where, memory_format=layout(where))


@functools.cache
def threes(count: int) -> list[Arch]:
    """``count`` threes of landmarks, one after another: members that Algorithm 1 draws around a root of their own."""
    found = []
    for i in range(count):
        found += landmarks.sample(SPACE.choices, stream(0, "bench", i), kind="distant", count=4)[1:]
    return found


class Paths(Method):
    """A plain step of one of ``threes``, and a landmark pair of the other two, which is active or is not.

    Over whole threes, each architecture is once the path and twice in the pair.
    """

    def __init__(self, chosen: list[Arch], pair_active: bool | None = None):
        self.chosen, self.pair_active, self.number = chosen, pair_active, 0

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor | Weighted]:
        three, turn = divmod(self.number % len(self.chosen), 3)
        path, *pair = (self.chosen[3 * three + (turn + k) % 3] for k in range(3))
        yield F.cross_entropy(net(step.x, path), step.y)
        if self.pair_active is None:
            return
        x, y = step.guide()
        losses = [F.cross_entropy(one, y) for one in net.each(x, pair)]
        values = torch.stack([loss.detach() for loss in losses]).requires_grad_()
        gap = (values[0] - values[1]).abs() * (1 if self.pair_active else -1)
        (weights,) = torch.autograd.grad(hinge(gap), values)
        yield Weighted(losses, weights)


def trainer(net: nn.Module, method: Method, batch: int, where: str, precision: str = "fp32", size: int = 32) -> Trainer:
    """A trainer on noise; its learning rate is small, so that nothing diverges."""
    settings = Train(epochs=10**6, batch=batch, lr=1e-4, weight_decay=5e-4, precision=precision)
    return Trainer(net, method, images(4 * batch, where, size), images(4 * batch, where, size, 1), settings, [0])


def stepping(made: Trainer) -> Callable[[int], None]:
    """One step of ``made``, as a case to be timed."""

    def run(number: int) -> None:
        made.method.number = number
        made.step(number, lambda name, value: None)

    return run
