"""Stand-alone performance of a set of architectures by training them."""

from pathlib import Path

from supernet import device, records, spaces
from supernet.data import Images
from supernet.job import Job
from supernet.settings import StandaloneTruth
from supernet.standalone import standalone_truth


def run(job: Job, state: Path) -> None:
    """Train every architecture of the set alone, in this one process."""
    chosen = job.settings
    where = device.prepare(chosen["threads"], chosen["device"])
    space = spaces.load(chosen["space"])
    archs = [space.parse(text) for text in records.read_table(job.inputs["archs"])["arch"]]
    images = {name: Images.load(job.inputs["data"], name, where) for name in ("weights", "guide", "test")}
    net = {"width": chosen["width"], "cells": chosen["cells"], "classes": images["weights"].classes}
    table = standalone_truth(
        space,
        archs,
        StandaloneTruth.model_validate(chosen["truth"]),
        net,
        images,
        state=state,
        label=job.outputs["truth"],
    )
    records.write_table(job.outputs["truth"], table, job.stamp())
