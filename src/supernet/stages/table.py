"""Convert a benchmark's release into the common table."""

import os
from pathlib import Path

from supernet import records
from supernet.job import Job
from supernet.plugins import load
from supernet.stages.data import DOWNLOADS, MIRROR


def run(job: Job, state: Path) -> None:
    """Convert from the release in the downloads folder, else from the mirror."""
    chosen = job.settings
    mirror = os.environ.get(MIRROR)
    convert = load("tables", chosen["kind"]).make(**chosen["args"])
    records.write_table(job.outputs["table"], convert(Path(mirror) if mirror else None, DOWNLOADS), job.stamp())
