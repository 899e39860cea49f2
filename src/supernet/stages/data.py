"""Fetch a data set and write its splits."""

import os
from pathlib import Path

from supernet import data, datasets, records
from supernet.job import Job
from supernet.plugins import load

MIRROR = "SUPERNET_MIRROR"
DOWNLOADS = Path("results/.downloads")


def run(job: Job, state: Path) -> None:
    """Fetch, decode, check, shrink, split."""
    chosen = job.settings
    mirror = os.environ.get(MIRROR)
    arrays: datasets.Arrays = load("datasets", chosen["kind"]).make(**chosen["args"])(
        Path(mirror) if mirror else None, DOWNLOADS
    )
    tensors = data.prepare(arrays, size=chosen["size"], split=chosen["split"], seed=chosen["seed"])
    records.write_tensors(job.outputs["data"], tensors, job.stamp())
