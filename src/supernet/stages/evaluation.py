"""Draw the architectures on which rankings are measured: first, once a task (D21), uniformly, without repetition."""

from pathlib import Path

import pandas as pd

from supernet import landmarks, records, spaces
from supernet.job import Job
from supernet.seeding import stream


def run(job: Job, state: Path) -> None:
    """Draw ``count`` distinct architectures; they depend on nothing but the space and ``count``."""
    space = spaces.load(job.settings["space"])
    drawn = landmarks.sample(space.choices, stream(0, "evaluation"), kind="uniform", count=job.settings["count"])
    table = pd.DataFrame({"arch": [space.format(a) for a in drawn]})
    records.write_table(job.outputs["archs"], table, job.stamp())
