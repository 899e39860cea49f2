"""Stand-alone training of many architectures in one process: the ground truth where no benchmark table has it."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from supernet import records
from supernet.arch import Arch
from supernet.data import Images
from supernet.nets.stacked import Stacked
from supernet.settings import StandaloneTruth
from supernet.spaces import SearchSpace
from supernet.step import Method, Step
from supernet.train import train

EVALUATION_BATCH = 500


class Plain(Method):
    """Cross-entropy of the one architecture that a stand-alone net has."""

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        loss = F.cross_entropy(net(step.x), step.y)
        step.note("loss", loss)
        yield loss


def accuracies(net: nn.Module, images: Images, copies: int) -> list[float]:
    """Fractions of ``images`` that each copy in ``net`` classifies rightly, with running batch-norm statistics."""
    net.eval()
    right = torch.zeros(copies, dtype=torch.int64, device=images.labels.device)
    with torch.inference_mode():
        for start in range(0, len(images), EVALUATION_BATCH):
            x, y = images.plain(np.arange(start, min(start + EVALUATION_BATCH, len(images))))
            logits = net(x.repeat(1, copies, 1, 1).contiguous(memory_format=torch.channels_last))
            right += (logits.view(len(x), images.classes, copies).argmax(1) == y[:, None]).sum(0)
    return [int(count) / len(images) for count in right]


def standalone_truth(
    space: SearchSpace,
    archs: Sequence[Arch],
    truth: StandaloneTruth,
    net: dict[str, Any],
    images: dict[str, Images],
    *,
    state: Path | None = None,
    label: str | None = "stand-alone training",
) -> pd.DataFrame:
    """Train every architecture alone with every seed; one row an architecture.

    Columns: ``arch`` (native string), ``valid`` and ``test`` (mean accuracies over the seeds, as fractions, on the
    ``guide`` split and the test set), and ``valid_s{seed}``, ``test_s{seed}``. Training uses the ``weights`` split.
    Each finished architecture is kept in the folder ``state``, so an interrupted call goes on where it was.
    """
    rows: list[dict[str, Any]] = []
    initial = [space.build(**net, affine=truth.affine, track=True, seed=seed) for seed in truth.seeds]
    for arch in tqdm(archs, desc=label, unit="net", mininterval=5, dynamic_ncols=True, disable=label is None):
        text = space.format(arch)
        done = None if state is None else state / f"{_short(text)}.json"
        if done is not None and done.exists():
            result = records.read_json(done)
        else:
            result = _train_one([whole.extract(arch) for whole in initial], truth, images)
            if done is not None:
                records.write_json(done, result)
        means = {name: float(np.mean([result[f"{name}_s{s}"] for s in truth.seeds])) for name in ("valid", "test")}
        rows.append({"arch": text, **means, **result})
    columns = [f"{name}_s{seed}" for seed in truth.seeds for name in ("valid", "test")]
    return pd.DataFrame(rows)[["arch", "valid", "test", *columns]]


def _train_one(alone: Sequence[nn.Module], truth: StandaloneTruth, images: dict[str, Images]) -> dict[str, float]:
    """Accuracies of one architecture trained with all seeds, side by side, which is faster than one after another.

    ``alone``: its stand-alone net, one a seed.
    """
    seeds = truth.seeds
    model = alone[0] if len(seeds) == 1 else Stacked(alone)
    epochs = (0, truth.train.epochs)
    train(model, Plain(), images["weights"], None, truth.train, seeds=seeds, epochs=epochs, label=None)
    result = {}
    for name, split in (("valid", "guide"), ("test", "test")):
        found = accuracies(model, images[split], len(seeds))
        result |= {f"{name}_s{seed}": value for seed, value in zip(seeds, found, strict=True)}
    return result


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
