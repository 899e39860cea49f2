"""Regularisers of super-net training: one file each, which exports ``make(setup, *, ...)``.

A regulariser is a `supernet.step.Method` whose losses come after those of the method that it is added to; any of them.
The keyword-only parameters of ``make`` are what ``regulariser.args`` of a method in params.yaml may say.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor, nn

from supernet.methods import Setup
from supernet.plugins import load
from supernet.step import Method, Step, Weighted


class Regularised(Method):
    """``method`` with the losses of ``regulariser`` after its own, from the end of the warm-up on."""

    def __init__(self, method: Method, regulariser: Method, warmup: int):
        self.method, self.regulariser, self.warmup = method, regulariser, warmup

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor | Weighted]:
        yield from self.method.losses(net, step)
        if step.epoch >= self.warmup:
            yield from self.regulariser.losses(net, step)

    def own_step(self, net: nn.Module, step: Step) -> None:
        self.method.own_step(net, step)

    def look(self, net: nn.Module) -> None:
        self.method.look(net)

    def state(self) -> dict[str, np.ndarray]:
        return self.method.state()

    def restore(self, values: dict[str, np.ndarray]) -> None:
        self.method.restore(values)


def make(kind: str, setup: Setup, args: dict[str, Any]) -> Method:
    """The regulariser of file ``kind`` with ``args``, which `supernet.config` has checked."""
    return load("regularisers", kind).make(setup, **args)
