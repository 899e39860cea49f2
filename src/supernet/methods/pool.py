"""Training on what a search has met: after the warm-up, paths come from a pool of architectures, as in NAO."""

import math
from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.methods import Setup, spos
from supernet.settings import Part
from supernet.step import Method, Step


class Pool(Method):
    """See `make`."""

    def __init__(self, setup: Setup, keep: float):
        self.setup, self.warm_up, self.pool = setup, spos.make(setup), setup.pool
        if keep < 1:
            best = np.argsort(-setup.pool_scores, kind="stable")[: math.ceil(keep * len(setup.pool))]
            self.pool = tuple(setup.pool[i] for i in best)

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        if step.epoch < self.setup.warmup:
            yield from self.warm_up.losses(net, step)
            return
        path = self.pool[step.rng("pool").integers(len(self.pool))]
        loss = F.cross_entropy(net(step.x, path), step.y)
        step.note("loss", loss)
        yield loss


def make(setup: Setup, *, keep: Part = 1.0) -> Method:
    """Uniform paths in the warm-up, then uniform over the pool: what the entry's search met at the end of the
    iteration before, each architecture once (NAO, Luo et al. 2018, with shared weights; D24).

    ``keep``: only that part of the pool, the best-scored; with a random search this prunes the space (Ning et al. 2021,
    one-shot pruning; D39).
    """
    return Pool(setup, keep)
