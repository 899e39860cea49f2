"""Convert a benchmark's release into the common table."""

from pathlib import Path

from supernet import paths, records
from supernet.job import Job
from supernet.plugins import load


def run(job: Job, state: Path) -> None:
    """Convert from the release in the downloads folder, else from the mirror."""
    chosen = job.settings
    convert = load("tables", chosen["kind"]).make(**chosen["args"])
    records.write_table(job.outputs["table"], convert(paths.mirror(), paths.DOWNLOADS), job.stamp())
