"""One-shot performance: accuracy and loss of a path of the trained super-net, without training it."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from supernet import device
from supernet.arch import Arch
from supernet.data import Images
from supernet.errors import UserError
from supernet.estimators import Estimate, Subject
from supernet.nets import recalibration
from supernet.nets.gates import soft_path
from supernet.nets.ops import Norm
from supernet.nets.supernet import KEEP
from supernet.settings import Count, Fraction, Precision


def make(
    subject: Subject,
    *,
    batch: Count = 250,
    batches: Count,
    statistics: Literal["batch", "recalibrated", "running"] = "batch",
    calibration: Count = 10,
    calibrate_on: Literal["own", "training"] = "own",
    precision: Precision = "fp32",
    softness: Fraction | None = None,
) -> Estimate:
    """``accuracy``, and ``loss`` negated, on the first ``batches`` batches of ``batch`` images, not augmented (D29).

    * ``statistics``: what batch-norm normalises with. ``batch``: the statistics of each batch, so the batches are the
      same for all architectures. ``recalibrated``: their mean over ``calibration`` batches (of the same size), as for a
      net that is deployed: those before these, or with ``calibrate_on="training"`` of what the net was trained on.
      ``running``: those that training kept (``net.track``), of all paths together.
    * ``precision``: ``bf16`` is faster; `supernet bench` says by how much, and how alike it ranks.
    * ``softness``: paths are soft (`nets.gates.soft_path`), for super-nets that were trained as mixtures; with the
      statistics of each batch.

    Architectures of the same plan (`SuperNet.plan`) are scored once, unless their paths are soft.
    """
    net, images = subject.net.eval(), subject.images
    norms = [module for module in net.modules() if isinstance(module, Norm)]
    if statistics == "running" and any(norm.running_mean is None for norm in norms):
        raise UserError("estimators: statistics: running needs a super-net that keeps them, net.track: true")
    if statistics == "batch":
        for norm in norms:  # without them it uses the batch's
            norm.running_mean = norm.running_var = None
    sizes = [len(options) for options in net.options]
    calibrates = statistics == "recalibrated"
    skipped = calibration if calibrates and calibrate_on == "own" else 0
    asked = batch * (batches + skipped)
    if asked > len(images):
        sum_of = "batches + calibration" if skipped else "batches"
        raise UserError(f"estimators: batch * ({sum_of}) is {asked}, more than the {len(images)} images there are")
    trained = subject.training() if calibrates and not skipped else None
    if trained is not None and (asked := batch * calibration) > len(trained):
        raise UserError(f"estimators: batch * calibration is {asked}, more than the {len(trained)} training images")
    if softness is not None and statistics != "batch":
        raise UserError(f"estimators: softness goes with statistics: batch, not with {statistics}")
    data = _plain(images, batch, batches + skipped)
    first, scored = [x for x, _ in data[:skipped]], data[skipped:]
    if trained is not None:
        first = [x for x, _ in _plain(trained, batch, calibration)]

    def logits(archs: Sequence[Arch]) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Which architecture, its logits and the labels, batch after batch."""
        if calibrates:
            for i, arch in enumerate(archs):
                alone = recalibration.recalibrated(net, arch, first)
                yield from ((i, alone(x), y) for x, y in scored)
        elif softness is not None:
            gates = [soft_path(arch, sizes, softness).to(images.labels.device) for arch in archs]
            for x, y in scored:
                yield from ((i, net(x, gates=one), y) for i, one in enumerate(gates))
        else:
            for x, y in scored:
                yield from ((i, one, y) for i, one in enumerate(net.each(x, archs, keep=KEEP)))

    def estimate(archs: Sequence[Arch]) -> dict[str, np.ndarray]:
        plans = [net.plan(tuple(arch)) if softness is None else tuple(arch) for arch in archs]
        # One architecture a plan, neighbours side by side, so that what they share is still there.
        chosen = sorted((tuple(arch), plan) for plan, arch in dict(zip(plans, archs, strict=True)).items())
        right, loss = np.zeros(len(chosen)), np.zeros(len(chosen))
        todo = tqdm(total=len(chosen) * batches, desc="scoring", unit="batch", delay=10, leave=False, mininterval=5)
        with torch.inference_mode(), device.autocast(precision, images.labels.device.type), todo:
            for i, one, y in logits([arch for arch, _ in chosen]):
                right[i] += int((one.argmax(1) == y).sum())
                loss[i] += float(F.cross_entropy(one.float(), y))
                todo.update()
        where = {plan: i for i, (_, plan) in enumerate(chosen)}
        at = [where[plan] for plan in plans]
        return {"accuracy": right[at] / (batch * batches), "loss": -loss[at] / batches}

    return estimate


def _plain(images: Images, batch: int, count: int) -> list[tuple[Tensor, Tensor]]:
    """The first batches, not augmented."""
    return [images.plain(np.arange(i * batch, (i + 1) * batch)) for i in range(count)]
