"""Landmark Regularization (Yu, Ranftl, Salzmann, CVPR 2021): rank landmarks as stand-alone training does.

Every step adds a ranking loss of some landmark pairs, measured on a batch of the ``guide`` split. Its gradient lowers
the loss of the better architecture and raises that of the worse one. It reaches weights only, never gates.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet import ranking, schedules, spaces
from supernet.errors import UserError
from supernet.methods import Setup
from supernet.nets.gates import soft_path
from supernet.seeding import stream
from supernet.settings import Count, Fraction, NonNegative
from supernet.step import Method, Step, Weighted


class Landmark(Method):
    """See `make`."""

    def __init__(
        self, setup: Setup, weight: float, schedule: str, over: str, ramp: float, draw: str, count: int, loss: str,
        gap_weighted: bool, ranks: str, softness: float | None,
    ):  # fmt: skip
        self.setup, self.weight, self.schedule, self.over, self.ramp = setup, weight, schedule, over, ramp
        self.loss, self.gap_weighted, self.softness = ranking.LOSSES[loss], gap_weighted, softness
        truth = setup.truth
        if ranks == "shuffled":
            truth = stream(setup.seed, "shuffled-ranks", len(truth)).permutation(truth)
        if ranks == "parameters":
            truth = np.array([spaces.size(setup.space, arch) for arch in setup.landmarks], dtype=float)
        self.pairs = ranking.Pairs(truth, draw, count)
        if not len(self.pairs.ordered):
            raise UserError("landmarks: all have the same ground truth, so they order nothing; draw others")
        if draw == "triples" and len(truth) < 3:
            raise UserError(f"regulariser.args.draw: triples of only {len(truth)} landmarks")
        if draw == "group" and count > len(truth):
            raise UserError(f"regulariser.args.count: a group of {count} of only {len(truth)} landmarks")
        if ramp >= setup.epochs - setup.warmup:
            left = setup.epochs - setup.warmup
            raise UserError(f"regulariser.args.ramp: {ramp:g} is not less than the {left} epochs after the warm-up")
        self.normalised = (truth - truth.min()) / (truth.max() - truth.min())

    def losses(self, net: nn.Module, step: Step) -> Iterator[Weighted]:
        setup = self.setup
        span = (step.epoch, setup.epochs, setup.warmup, self.ramp, self.over)
        weight = self.weight * schedules.weight(self.schedule, *span)
        step.note("weight", weight)
        drawn = self.pairs(step.rng("pairs"))
        if weight == 0 or not len(drawn):
            return
        x, y = step.guide()
        members, order = np.unique(drawn, return_inverse=True)  # each landmark is forwarded once
        losses = [F.cross_entropy(logits, y) for logits in self._logits(net, x, members)]
        values = torch.stack([loss.detach() for loss in losses]).requires_grad_()
        order = torch.from_numpy(order.reshape(drawn.shape)).to(values.device, non_blocking=True)
        gaps = values[order[:, 0]] - values[order[:, 1]]
        terms = self.loss(gaps)
        if self.gap_weighted:
            difference = self.normalised[drawn[:, 0]] - self.normalised[drawn[:, 1]]
            terms = terms * torch.from_numpy(difference.astype(np.float32)).to(values.device, non_blocking=True)
        total = terms.sum()  # a sum, not a mean (eq. 6)
        step.note("ranking_loss", total)
        step.note("violated", (gaps > 0).float().mean())
        (weights,) = torch.autograd.grad(weight * total, values)
        yield Weighted(losses, weights)  # landmarks of satisfied pairs alone have weight 0

    def _logits(self, net: nn.Module, x: Tensor, members: np.ndarray) -> Iterator[Tensor]:
        archs = [self.setup.landmarks[i] for i in members]
        if self.softness is None:
            return net.each(x, archs)
        sizes = [len(options) for options in net.options]
        return (net(x, gates=soft_path(arch, sizes, self.softness).to(x.device)) for arch in archs)


def make(
    setup: Setup,
    *,
    weight: NonNegative = 10.0,
    schedule: Literal[
        "cosine_increase", "cosine_decrease", "step_increase", "step_decrease", "constant"
    ] = "cosine_increase",
    over: Literal["rest", "run"] = "rest",
    ramp: NonNegative = 0.0,
    draw: Literal["pairs", "worse_first", "triples", "group", "adjacent", "all"] = "pairs",
    count: Count = 1,
    loss: Literal["hinge", "margin", "softplus", "cross_entropy", "tanh"] = "hinge",
    gap_weighted: bool = False,
    ranks: Literal["true", "shuffled", "parameters"] = "true",
    softness: Fraction | None = None,
) -> Method:
    """``weight * lambda_t *`` the summed ranking losses of the drawn landmark pairs (eq. 5-7).

    * ``schedule``, ``over``, ``ramp`` (epochs): of lambda_t, see `supernet.schedules`.
    * ``draw``, ``count``: which pairs, see `supernet.ranking.Pairs`; ``loss``: of a pair, see `supernet.ranking`.
    * ``gap_weighted``: a pair counts by its difference in accuracy, over that of the best and the worst landmark.
    * ``ranks="shuffled"`` permutes the landmarks' ground truth, anew only when landmarks were added: the control that
      keeps everything but the ranking. ``"parameters"``: the number of parameters stands in for the truth, so that no
      landmark need be trained (as RD-NAS, Dong et al. 2023, with another zero-cost order; D41).
    * ``softness``: landmarks as soft one-shot paths (`nets.gates.soft_path`), for methods that train mixtures.

    Raises ``UserError`` if the landmarks' truths are all equal, or too few for a group.
    """
    return Landmark(setup, weight, schedule, over, ramp, draw, count, loss, gap_weighted, ranks, softness)
