"""Stand-alone performance of a set of architectures from a benchmark table."""

from pathlib import Path
from typing import Any

import pandas as pd

from supernet import metrics, records
from supernet.errors import UserError
from supernet.job import Job


def run(job: Job, state: Path) -> None:
    """One row an architecture, in the order of the set: ``arch``, ``valid``, ``test`` (fractions).

    Where the settings ask for the standing in the whole table: also the rank (1 = best) and the best accuracy by both
    truths, and how many they are ``among``, so that whoever reports them needs no table. The same again, with names as
    ``cifar100/test``, for each of the other data sets that the settings name.
    """
    chosen = job.settings
    archs = records.read_table(job.inputs["archs"])["arch"]
    table = records.read_table(job.inputs["table"]).set_index("arch")
    truth: dict[str, Any] = {"arch": archs.to_numpy()}
    for prefix, dataset in {"": chosen["dataset"], **{f"{name}/": name for name in chosen.get("also", [])}}.items():
        for name in ("valid", "test"):
            column = f"{dataset}_{name}_{chosen['epochs']}"
            if column not in table:
                raise UserError(
                    f"{job.inputs['table']}: has no column {column}; correct the task's truth in params.yaml"
                )
            truth[f"{prefix}{name}"] = table.loc[archs, column].to_numpy()
            if chosen.get("standing"):
                whole = table[column].dropna()
                truth[f"{prefix}{name}_rank"] = [metrics.rank_of(value, whole) for value in truth[f"{prefix}{name}"]]
                truth[f"{prefix}{name}_best"] = whole.max()
                truth[f"{prefix}among"] = len(whole)
    records.write_table(job.outputs["truth"], pd.DataFrame(truth), job.stamp())
