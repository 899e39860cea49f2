"""GDAS (Dong and Yang, CVPR 2019): gates learnt through sampled paths, by the Gumbel-softmax trick."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.methods import Setup, spos
from supernet.methods._gates import Gated, Gates
from supernet.settings import NonNegative, Positive
from supernet.step import Method, Step


class GDAS(Gated):
    """See `make`."""

    def __init__(self, setup: Setup, lr: float, weight_decay: float, hottest: float, coldest: float):
        super().__init__(setup, lr, weight_decay)
        self.warm_up, self.hottest, self.coldest = spos.make(setup), hottest, coldest

    def temperature(self, epoch: float) -> float:
        """Linear from the hottest to the coldest over the epochs after the warm-up."""
        passed = (epoch - self.setup.warmup) / (self.setup.epochs - self.setup.warmup)
        return self.hottest + (self.coldest - self.hottest) * min(passed, 1.0)

    def own_step(self, net: nn.Module, step: Step) -> None:
        if step.epoch < self.setup.warmup:
            return
        temperature = self.temperature(step.epoch)
        soft = ((self.gates.log_probabilities() + _gumbel(step.rng("gates"), self.gates)) / temperature).softmax(1)
        path = soft.argmax(1)
        # Forward hard, backward soft (GDAS, eq. 4-6).
        hard = F.one_hot(path, soft.shape[1]) - soft.detach() + soft
        x, y = step.guide()
        self.gates.descend(F.cross_entropy(net(x, path.tolist(), gates=hard.to(x.device)), y))
        step.note("temperature", temperature)
        step.note("entropy", self.gates.entropy())

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        if step.epoch < self.setup.warmup:
            yield from self.warm_up.losses(net, step)
            return
        # The hard gates are 1, and which path is sampled does not depend on the temperature.
        logits = self.gates.log_probabilities().detach() + _gumbel(step.rng("paths"), self.gates)
        loss = F.cross_entropy(net(step.x, logits.argmax(1).tolist()), step.y)
        step.note("loss", loss)
        yield loss


def _gumbel(rng: np.random.Generator, gates: Gates) -> Tensor:
    return torch.from_numpy(rng.gumbel(size=tuple(gates.logits.shape)).astype(np.float32))


def make(
    setup: Setup,
    *,
    lr: Positive = 3e-4,
    weight_decay: NonNegative = 1e-3,
    hottest: Positive = 10.0,
    coldest: Positive = 0.1,
) -> Method:
    """Uniform paths in the warm-up; then every step first moves the gates on a guide batch, then the weights.

    ``lr``, ``weight_decay``: of the gates' Adam; ``hottest``, ``coldest``: temperature of the Gumbel-softmax at the end
    of the warm-up and of the training. One path is sampled for all cells (D23). Its found architecture is read off the
    gates by the search `supernet.searchers.gates`.
    """
    return GDAS(setup, lr, weight_decay, hottest, coldest)
