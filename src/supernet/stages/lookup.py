"""Stand-alone performance of a set of architectures from a benchmark table."""

from pathlib import Path

import pandas as pd

from supernet import metrics, records
from supernet.errors import UserError
from supernet.job import Job


def run(job: Job, state: Path) -> None:
    """One row an architecture, in the order of the set: ``arch``, ``valid``, ``test`` (fractions).

    Where the settings ask for the standing in the whole table: also the rank (1 = best) and the best accuracy by both
    truths, and how many they are ``among``, so that whoever reports them needs no table.
    """
    archs = records.read_table(job.inputs["archs"])["arch"]
    table = records.read_table(job.inputs["table"]).set_index("arch")
    columns = {name: f"{job.settings['dataset']}_{name}_{job.settings['epochs']}" for name in ("valid", "test")}
    for column in columns.values():
        if column not in table:
            raise UserError(f"{job.inputs['table']}: has no column {column}; correct the task's truth in params.yaml")
    found = table.loc[archs]
    truth = pd.DataFrame({"arch": archs.to_numpy(), **{k: found[c].to_numpy() for k, c in columns.items()}})
    if job.settings.get("standing"):
        for name, column in columns.items():
            whole = table[column].dropna()
            truth[f"{name}_rank"] = [metrics.rank_of(value, whole) for value in truth[name]]
            truth[f"{name}_best"] = whole.max()
            truth["among"] = len(whole)
    records.write_table(job.outputs["truth"], truth, job.stamp())
