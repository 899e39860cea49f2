"""Landmark Regularization (Yu, Ranftl, Salzmann, CVPR 2021): rank landmarks as stand-alone training does.

Around any method: after the warm-up, every step adds a hinge on the losses of ``pairs`` landmark pairs, measured on a
batch of the ``guide`` split. The hinge is active where the super-net gives the better architecture the higher loss.
"""

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.errors import UserError
from supernet.methods import Setup, spos
from supernet.seeding import stream
from supernet.settings import Count, NonNegative
from supernet.step import Conditional, Method, Step


def ranking_hinge(losses: Tensor, order: Tensor) -> Tensor:
    """``sum_k max(0, losses[order[k, 0]] - losses[order[k, 1]])`` (eq. 4, over sampled pairs eq. 6); a scalar.

    ``losses: (m,)`` of the super-net; ``order: (k, 2)`` pairs of indices, the better architecture first.
    """
    return F.relu(losses[order[:, 0]] - losses[order[:, 1]]).sum()


def cosine_weight(epoch: float, epochs: int, warmup: int) -> float:
    """``lambda_t / lambda``: 0 in the warm-up, then half a cosine up to 1 at the end (eq. 7; D02, D11)."""
    if epoch < warmup:
        return 0.0
    return 0.5 * (1 - math.cos(math.pi * (epoch - warmup) / (epochs - warmup)))


class Landmark:
    """See `make`."""

    def __init__(self, setup: Setup, weight: float, pairs: int, ranks: str):
        self.base = spos.make(setup)
        self.setup, self.weight, self.pairs = setup, weight, pairs
        truth = setup.truth
        if ranks == "shuffled":
            truth = stream(setup.seed, "shuffled-ranks", len(truth)).permutation(truth)
        # All (better, worse) pairs; exact ties order nothing (D04).
        self.ordered = np.argwhere(truth[:, None] > truth[None, :])
        if len(setup.landmarks) and not len(self.ordered):
            raise UserError("landmarks: all have the same ground truth, so they order nothing; draw others")

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor | Conditional]:
        yield from self.base.losses(net, step)
        weight = self.weight * cosine_weight(step.epoch, self.setup.epochs, self.setup.warmup)
        step.note("weight", weight)
        if weight == 0:
            return
        x, y = step.guide()
        drawn = self.ordered[step.rng("pairs").integers(len(self.ordered), size=self.pairs)]
        members, order = np.unique(drawn, return_inverse=True)  # each landmark is forwarded once
        logits = net.each(x, [self.setup.landmarks[i] for i in members])
        losses = torch.stack([F.cross_entropy(one, y) for one in logits])
        order = torch.from_numpy(order.reshape(drawn.shape)).to(losses.device, non_blocking=True)
        hinge = ranking_hinge(losses, order)
        step.note("hinge", hinge)
        step.note("violated", (losses[order[:, 0]] > losses[order[:, 1]]).float().mean())
        yield Conditional(weight * hinge, hinge > 0)  # satisfied pairs leave what only they touch untouched


def make(
    setup: Setup,
    *,
    weight: NonNegative = 10.0,
    pairs: Count = 1,
    ranks: Literal["true", "shuffled"] = "true",
) -> Method:
    """SPOS plus ``weight * lambda_t *`` the hinge over ``pairs`` uniformly drawn ordered pairs a step (eq. 5-7, D08).

    ``ranks="shuffled"`` permutes the landmarks' ground truth, anew only when landmarks were added: the control that
    keeps everything but the ranking.
    """
    return Landmark(setup, weight, pairs, ranks)
