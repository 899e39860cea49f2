"""Draw the first landmarks of a run, disjoint from the evaluation architectures; and read those that a job knows."""

from pathlib import Path

import numpy as np
import pandas as pd

from supernet import landmarks, records, spaces
from supernet.arch import Arch
from supernet.errors import UserError
from supernet.job import Job
from supernet.seeding import stream
from supernet.spaces import SearchSpace


def known(job: Job, space: SearchSpace) -> tuple[tuple[Arch, ...], np.ndarray]:
    """The landmarks among a job's inputs, and ``(n,)`` their accuracies by the truth that orders them (D01)."""
    files = job.inputs.get("landmarks")
    if not files:
        return (), np.empty(0)
    table, order = pd.concat([records.read_table(path) for path in files]), job.settings["order_truth"]
    if order not in table:
        raise UserError(f"{files[0]}: has no {order} accuracies to order landmarks by; choose another order_truth")
    return tuple(space.parse(text) for text in table["arch"]), table[order].to_numpy(float)


def run(job: Job, state: Path) -> None:
    """Sample by Algorithm 1, uniformly, or spread over the order by parameters."""
    chosen = job.settings
    space = spaces.load(chosen["space"])
    forbidden = {space.parse(text) for text in records.read_table(job.inputs["evaluation"])["arch"]}
    rng, how = stream(chosen["seed"], "landmarks"), {"count": chosen["count"], "forbidden": forbidden}
    if chosen["kind"] == "spread":
        drawn = landmarks.spread(space.choices, rng, lambda arch: spaces.size(space, arch), **how)
    else:
        drawn = landmarks.sample(space.choices, rng, kind=chosen["kind"], distance=chosen["distance"], **how)
    records.write_table(job.outputs["archs"], pd.DataFrame({"arch": [space.format(a) for a in drawn]}), job.stamp())
