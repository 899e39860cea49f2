"""DARTS, first order (Liu, Simonyan, Yang, ICLR 2019), and PC-DARTS (Xu et al., ICLR 2020): all operations at once,
mixed by learnt gates.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.methods import Setup
from supernet.methods._gates import Gated
from supernet.settings import NonNegative, Positive
from supernet.step import Method, Step


class DARTS(Gated):
    """See `make`."""

    def mixture(self, net: nn.Module) -> dict[str, Tensor]:
        """Gates, and weights of the edges where the net has some: probabilities among those that enter a node."""
        found = {"gates": self.gates.log_probabilities().exp()}
        if net.parts > 1:
            targets = torch.tensor([target for _, target in net.edges])
            same = targets[:, None] == targets[None, :]
            found["weights"] = self.gates.edges.expand(same.shape).masked_fill(~same, -torch.inf).softmax(1).diagonal()
        return found

    def own_step(self, net: nn.Module, step: Step) -> None:
        if step.epoch < self.setup.warmup:
            return
        x, y = step.guide()
        mixture = {name: value.to(x.device) for name, value in self.mixture(net).items()}
        self.gates.descend(F.cross_entropy(net(x, **mixture), y))
        step.note("entropy", self.gates.entropy())

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        mixture = {name: value.detach().to(step.x.device) for name, value in self.mixture(net).items()}
        loss = F.cross_entropy(net(step.x, **mixture), step.y)
        step.note("loss", loss)
        yield loss


def make(setup: Setup, *, lr: Positive = 3e-4, weight_decay: NonNegative = 1e-3) -> Method:
    """The weights train on the mixture of all operations; after the warm-up, every step first moves the gates.

    ``lr``, ``weight_decay``: of the gates' Adam, which descends the loss of a guide batch with the weights as they are
    (first order; D25). In a net of divided channels (``net.parts``) it learns the edges' weights as well: PC-DARTS.
    """
    return DARTS(setup, lr, weight_decay)
