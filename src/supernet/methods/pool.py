"""Training on what a search has met: after the warm-up, paths come from a pool of architectures, as in NAO."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F

from supernet.methods import Setup, spos
from supernet.step import Method, Step


class Pool(Method):
    """See `make`."""

    def __init__(self, setup: Setup):
        self.setup, self.warm_up = setup, spos.make(setup)

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        pool = self.setup.pool
        if step.epoch < self.setup.warmup:
            yield from self.warm_up.losses(net, step)
            return
        path = pool[step.rng("pool").integers(len(pool))]
        loss = F.cross_entropy(net(step.x, path), step.y)
        step.note("loss", loss)
        yield loss


def make(setup: Setup) -> Method:
    """Uniform paths in the warm-up, then uniform over the pool: what the entry's search met at the end of the
    iteration before, each architecture once (NAO, Luo et al. 2018, with shared weights; D24).
    """
    return Pool(setup)
