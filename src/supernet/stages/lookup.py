"""Stand-alone performance of a set of architectures from a benchmark table."""

from pathlib import Path

import pandas as pd

from supernet import records
from supernet.errors import UserError
from supernet.job import Job


def run(job: Job, state: Path) -> None:
    """One row an architecture, in the order of the set: ``arch``, ``valid``, ``test`` (fractions)."""
    archs = records.read_table(job.inputs["archs"])["arch"]
    table = records.read_table(job.inputs["table"]).set_index("arch")
    columns = {name: f"{job.settings['dataset']}_{name}_{job.settings['epochs']}" for name in ("valid", "test")}
    for column in columns.values():
        if column not in table:
            raise UserError(f"{job.inputs['table']}: has no column {column}; correct the task's truth in params.yaml")
    found = table.loc[archs]
    truth = pd.DataFrame({"arch": archs.to_numpy(), **{k: found[c].to_numpy() for k, c in columns.items()}})
    records.write_table(job.outputs["truth"], truth, job.stamp())
