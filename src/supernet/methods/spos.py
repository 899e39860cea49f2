"""Single path one-shot (Guo et al. 2020): one architecture a step, uniform over the space."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F

from supernet import arch
from supernet.methods import Setup
from supernet.step import Method, Step


class SPOS(Method):
    """See `make`."""

    def __init__(self, setup: Setup):
        self.choices = setup.space.choices

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        path = arch.sample(self.choices, step.rng("paths"))
        loss = F.cross_entropy(net(step.x, path), step.y)
        step.note("loss", loss)
        yield loss


def make(setup: Setup) -> Method:
    """Cross-entropy of one uniformly sampled path (Landmark Regularization, eq. 1; D12)."""
    return SPOS(setup)
