"""FairNAS (Chu, Zhang, Xu, ICCV 2021), strict fairness: every operation equally often in every step (D36)."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.methods import Setup
from supernet.step import Method, Step


class FairNAS(Method):
    """See `make`."""

    def __init__(self, setup: Setup):
        self.sizes = [len(choice.options) for choice in setup.space.choices]

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        rng, paths = step.rng("paths"), max(self.sizes)
        # A choice with fewer options goes on with another permutation, so that no option is more than one ahead.
        orders = [np.concatenate([rng.permutation(n) for _ in range(-(-paths // n))]) for n in self.sizes]
        for path in range(paths):
            loss = F.cross_entropy(net(step.x, [int(order[path]) for order in orders]), step.y)
            step.note("loss", loss)
            yield loss


def make(setup: Setup) -> Method:
    """As many paths a step as a choice has options, by random permutations; their gradients add up to one step.

    A step costs as much as that many steps of SPOS: compare at equal numbers of forward passes.
    """
    return FairNAS(setup)
