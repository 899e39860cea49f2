"""Paths by gradient norms (PA&DA, Lu et al., CVPR 2023), which trains most what still has much to learn.

Its sampling of images by their losses is left out (D38).
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.arch import Arch
from supernet.methods import Setup
from supernet.settings import Fraction
from supernet.step import Method, Step


class PADA(Method):
    """See `make`."""

    def __init__(self, setup: Setup, floor: float):
        self.sizes = [len(choice.options) for choice in setup.space.choices]
        self.epochs, self.floor, options = setup.epochs, floor, max(self.sizes)
        self.path: Arch = ()
        self.epoch = 0
        self.norms, self.counts = np.zeros(options), np.zeros(options)  # of this epoch so far
        self.chances = np.full(options, 1 / options)

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        if int(step.epoch) > self.epoch:
            self._end_epoch(int(step.epoch))
        rng = step.rng("paths")
        self.path = tuple(int(rng.choice(n, p=self.chances[:n] / self.chances[:n].sum())) for n in self.sizes)
        loss = F.cross_entropy(net(step.x, self.path), step.y)
        step.note("loss", loss)
        yield loss

    def _end_epoch(self, epoch: int) -> None:
        means = self.norms / np.maximum(self.counts, 1)
        if means.any():
            even, share = 1 / len(means), epoch / self.epochs
            mixed = share * means / means.sum() + (1 - share) * even
            self.chances = self.floor * even + (1 - self.floor) * mixed
        self.epoch, self.norms, self.counts = epoch, np.zeros_like(means), np.zeros_like(means)

    @torch.no_grad()
    def look(self, net: nn.Module) -> None:
        """Add up the norms of the gradients of the path's operations."""
        keys = [net.sharing.key(position, option, self.path) for position, option in enumerate(self.path)]
        squares = dict.fromkeys(keys, 0.0)
        for name, p in net.named_parameters():
            key = name.partition(".ops.")[2].partition(".")[0]
            if key in squares and p.grad is not None:
                squares[key] += float(p.grad.square().sum())
        for option, key in zip(self.path, keys, strict=True):
            self.norms[option] += squares[key] ** 0.5
            self.counts[option] += 1

    def state(self) -> dict[str, np.ndarray]:
        return {"norms": self.norms, "counts": self.counts, "chances": self.chances, "epoch": np.array([self.epoch])}

    def restore(self, values: dict[str, np.ndarray]) -> None:
        self.norms, self.counts, self.chances = (np.array(values[k]) for k in ("norms", "counts", "chances"))
        self.epoch = int(values["epoch"][0])


def make(setup: Setup, *, floor: Fraction = 0.25) -> Method:
    """One path a step, whose operations are drawn by the mean gradient norm that they had in the epoch before.

    ``(1 - t) / n + t * norm / sum of norms``, t the part of the run that has passed, the same for all positions; an
    operation without weights has no norm, so that late in the run it would hardly be drawn any more. ``floor``: that
    part of the probability is even among the operations whatever the norms say; 0 is the paper's. Norms are of the
    gradients of the whole step, a regulariser's too.
    """
    return PADA(setup, floor)
