"""Score architectures at the checkpoints of a segment, on held-out training images (D09)."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from supernet import checkpoints, device, estimators, records, spaces
from supernet.data import Images
from supernet.job import Job


def run(job: Job, state: Path) -> None:
    """One row an epoch and architecture: ``epoch``, ``arch``, and one column a score."""
    chosen = job.settings
    archs = records.read_table(job.inputs["archs"])["arch"]
    weights = records.read_tensors(job.inputs["weights"])
    images, training = (split_of(chosen, job.inputs["data"], name) for name in ("score", "weights"))
    space = spaces.load(chosen["space"])
    parsed = [space.parse(text) for text in archs]
    tables = []
    epochs = checkpoints.epochs(weights)
    if "archs" in chosen["estimator"]:  # a whole space, which only the last one scores
        epochs = epochs[-1:]
    for epoch in tqdm(epochs, desc=job.outputs["scores"], unit="checkpoint", dynamic_ncols=True):
        estimate = estimate_of(chosen, weights, epoch, images(), training)
        tables.append(pd.DataFrame({"epoch": epoch, "arch": archs, **estimate(parsed)}))
    records.write_table(job.outputs["scores"], pd.concat(tables), job.stamp())


def split_of(chosen: Mapping[str, Any], path: str, split: str) -> Callable[[], Images]:
    """Reads, when first called, the images of ``split``, on the device that the settings choose."""
    return functools.cache(lambda: Images.load(path, split, device.prepare(chosen["threads"], chosen["device"])))


def estimate_of(
    chosen: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    epoch: int,
    images: Images,
    training: Callable[[], Images],
) -> estimators.Estimate:
    """The settings' estimator, looking at the super-net as it was after ``epoch``; it was trained on ``training``."""
    space = spaces.load(chosen["space"])
    net = space.build(width=chosen["width"], cells=chosen["cells"], classes=images.classes, **chosen["net"])
    checkpoints.load_arrays(net, checkpoints.averaged(weights, epoch, chosen["estimator"].get("average", 1)))
    where = images.labels.device
    subject = estimators.Subject(net.to(where, memory_format=device.layout(where)), images, training)
    estimate = estimators.make(chosen["estimator"]["kind"], subject, chosen["estimator"]["args"])
    reduction = chosen["estimator"].get("by_class")
    return estimators.by_class(estimate, space, reduction) if reduction else estimate
