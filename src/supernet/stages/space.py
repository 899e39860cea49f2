"""All architectures of a space, in the order of its enumeration."""

from pathlib import Path

import pandas as pd

from supernet import arch, records, spaces
from supernet.job import Job


def run(job: Job, state: Path) -> None:
    """Enumerate the space."""
    space = spaces.load(job.settings["space"])
    table = pd.DataFrame({"arch": [space.format(a) for a in arch.enumerate_archs(space.choices)]})
    records.write_table(job.outputs["archs"], table, job.stamp())
