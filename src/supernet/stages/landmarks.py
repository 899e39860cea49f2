"""Draw the first landmarks of a run, disjoint from the evaluation architectures."""

from pathlib import Path

import pandas as pd

from supernet import landmarks, records, spaces
from supernet.job import Job
from supernet.seeding import stream


def run(job: Job, state: Path) -> None:
    """Sample by Algorithm 1 or uniformly."""
    chosen = job.settings
    space = spaces.load(chosen["space"])
    forbidden = {space.parse(text) for text in records.read_table(job.inputs["evaluation"])["arch"]}
    drawn = landmarks.sample(
        space.choices,
        stream(chosen["seed"], "landmarks"),
        kind=chosen["kind"],
        count=chosen["count"],
        distance=chosen["distance"],
        forbidden=forbidden,
    )
    records.write_table(job.outputs["archs"], pd.DataFrame({"arch": [space.format(a) for a in drawn]}), job.stamp())
