"""One-shot performance: accuracy and loss of a path of the trained super-net, without training it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from supernet.arch import Arch
from supernet.errors import UserError
from supernet.estimators import Estimate, Subject
from supernet.settings import Count


def make(subject: Subject, *, batch: Count = 250, batches: Count) -> Estimate:
    """Score on the first ``batches`` batches of ``batch`` images, not augmented: ``accuracy``, and ``loss`` negated.

    Batch-norm uses the statistics of each batch, so the batches are the same for all architectures.
    """
    net, images = subject.net.eval(), subject.images
    if batch * batches > len(images):
        raise UserError(
            f"estimators: batch * batches is {batch * batches}, more than the {len(images)} images there are"
        )
    data = [images.plain(np.arange(i * batch, (i + 1) * batch)) for i in range(batches)]

    def estimate(archs: Sequence[Arch]) -> dict[str, np.ndarray]:
        right, loss = np.zeros(len(archs)), np.zeros(len(archs))
        with torch.inference_mode():
            for i, arch in enumerate(archs):
                for x, y in data:
                    logits = net(x, arch)
                    right[i] += int((logits.argmax(1) == y).sum())
                    loss[i] += float(F.cross_entropy(logits, y))
        return {"accuracy": right / (batch * batches), "loss": -loss / batches}

    return estimate
