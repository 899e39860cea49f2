"""Control for Landmark Regularization: the same guide batches and landmarks, trained with plain cross-entropy."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.methods import Setup
from supernet.settings import Count, NonNegative
from supernet.step import Method, Step


class LandmarkCrossEntropy(Method):
    """See `make`."""

    def __init__(self, setup: Setup, weight: float, members: int):
        self.landmarks, self.weight, self.members = setup.landmarks, weight, members

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        x, y = step.guide()
        drawn = step.rng("pairs").choice(len(self.landmarks), size=self.members, replace=False)
        for i in np.sort(drawn):
            loss = self.weight * F.cross_entropy(net(x, self.landmarks[i]), y) / self.members
            step.note("landmark_loss", loss)
            yield loss


def make(setup: Setup, *, weight: NonNegative = 1.0, members: Count = 2) -> Method:
    """``weight`` times the mean cross-entropy of ``members`` landmarks a step.

    With two members it forwards what one landmark pair does, and back-propagates it at every step: at least the
    compute of `supernet.regularisers.landmark`, without the ranking.
    """
    return LandmarkCrossEntropy(setup, weight, members)
