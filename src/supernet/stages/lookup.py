"""Stand-alone performance of a set of architectures from a benchmark table."""

from pathlib import Path
from typing import Any

import pandas as pd

from supernet import metrics, records, spaces
from supernet.arch import enumerate_archs
from supernet.errors import UserError
from supernet.job import Job


def run(job: Job, state: Path) -> None:
    """One row an architecture, in the order of the set: ``arch``, ``valid``, ``test`` (fractions); what the table has.

    Single trainings that the table tells apart follow as ``test_s0``, ``test_s1``, ... Where the settings ask for the
    standing in the whole table, or in the space that they name, which is a part of it: also the rank (1 = best) and the
    best accuracy by both truths, and how many they are ``among``, so that whoever reports them needs no table. The same
    again, with names as ``cifar100/test``, for each of the other data sets that the settings name.
    """
    chosen = job.settings
    archs = records.read_table(job.inputs["archs"])["arch"]
    table = records.read_table(job.inputs["table"]).set_index("arch")
    peers = table
    if isinstance(part := chosen.get("standing"), str):
        space = spaces.load(part)
        peers = table.loc[[space.format(arch) for arch in enumerate_archs(space.choices)]]
    truth: dict[str, Any] = {"arch": archs.to_numpy()}
    for prefix, dataset in {"": chosen["dataset"], **{f"{name}/": name for name in chosen.get("also", [])}}.items():
        names = [name for name in ("valid", "test") if f"{dataset}_{name}_{chosen['epochs']}" in table]
        if not names:
            raise UserError(
                f"{job.inputs['table']}: has no column {dataset}_test_{chosen['epochs']}; correct the task's truth in"
                " params.yaml"
            )
        for name in names:
            column = f"{dataset}_{name}_{chosen['epochs']}"
            truth[f"{prefix}{name}"] = table.loc[archs, column].to_numpy()
            if chosen.get("standing"):
                whole = peers[column].dropna()
                truth[f"{prefix}{name}_rank"] = [metrics.rank_of(value, whole) for value in truth[f"{prefix}{name}"]]
                truth[f"{prefix}{name}_best"] = whole.max()
                truth[f"{prefix}among"] = len(whole)
    column = f"{chosen['dataset']}_test_{chosen['epochs']}_s"
    for name in (name for name in table if name.startswith(column)):
        truth[f"test_s{name.removeprefix(column)}"] = table.loc[archs, name].to_numpy()
    records.write_table(job.outputs["truth"], pd.DataFrame(truth), job.stamp())
