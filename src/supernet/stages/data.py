"""Fetch a data set and write its splits."""

from pathlib import Path

from supernet import data, datasets, paths, records
from supernet.job import Job
from supernet.plugins import load


def run(job: Job, state: Path) -> None:
    """Fetch, decode, check, shrink, split."""
    chosen = job.settings
    fetch: datasets.Load = load("datasets", chosen["kind"]).make(**chosen["args"])
    arrays = fetch(paths.mirror(), paths.DOWNLOADS)
    tensors = data.prepare(arrays, size=chosen["size"], split=chosen["split"], seed=chosen["seed"])
    records.write_tensors(job.outputs["data"], tensors, job.stamp())
