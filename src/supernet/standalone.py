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
from supernet.settings import StandaloneTruth
from supernet.spaces import SearchSpace
from supernet.step import Step
from supernet.train import train

EVALUATION_BATCH = 500


class _Plain:
    """Cross-entropy of the one architecture that a stand-alone net has."""

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        loss = F.cross_entropy(net(step.x), step.y)
        step.note("loss", loss)
        yield loss


def accuracy(net: nn.Module, images: Images) -> float:
    """Fraction of ``images`` that ``net`` classifies rightly, with running batch-norm statistics."""
    net.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(images), EVALUATION_BATCH):
            x, y = images.plain(np.arange(start, min(start + EVALUATION_BATCH, len(images))))
            right += int((net(x).argmax(1) == y).sum())
    return right / len(images)


def standalone_truth(
    space: SearchSpace,
    archs: Sequence[Arch],
    truth: StandaloneTruth,
    net: dict[str, Any],
    images: dict[str, Images],
    *,
    state: Path | None = None,
    label: str = "stand-alone training",
) -> pd.DataFrame:
    """Train every architecture alone with every seed; one row an architecture.

    Columns: ``arch`` (native string), ``valid`` and ``test`` (mean accuracies over the seeds, as fractions, on the
    ``guide`` split and the test set), and ``valid_s{seed}``, ``test_s{seed}``. Training uses the ``weights`` split.
    Each finished training is kept in the folder ``state``, so an interrupted call goes on where it was.
    """
    rows: list[dict[str, Any]] = []
    with tqdm(total=len(archs) * len(truth.seeds), desc=label, unit="net", mininterval=5, dynamic_ncols=True) as bar:
        for arch in archs:
            row: dict[str, Any] = {"arch": space.format(arch)}
            for seed in truth.seeds:
                done = None if state is None else state / f"{_short(row['arch'])}-s{seed}.json"
                if done is not None and done.exists():
                    result = records.read_json(done)
                else:
                    result = _train_one(space, arch, truth, net, images, seed)
                    if done is not None:
                        records.write_json(done, result)
                row |= {f"{name}_s{seed}": value for name, value in result.items()}
                bar.update()
            for name in ("valid", "test"):
                row[name] = float(np.mean([row[f"{name}_s{seed}"] for seed in truth.seeds]))
            rows.append(row)
    columns = [f"{name}_s{seed}" for seed in truth.seeds for name in ("valid", "test")]
    return pd.DataFrame(rows)[["arch", "valid", "test", *columns]]


def _train_one(
    space: SearchSpace, arch: Arch, truth: StandaloneTruth, net: dict[str, Any], images: dict[str, Images], seed: int
) -> dict[str, float]:
    model = space.build(**net, affine=truth.affine, track=True, seed=seed).extract(arch)
    epochs = (0, truth.train.epochs)
    train(model, _Plain(), images["weights"], None, truth.train, seed=seed, epochs=epochs, label=None)
    return {"valid": accuracy(model, images["guide"]), "test": accuracy(model, images["test"])}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
