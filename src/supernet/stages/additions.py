"""The architectures of a search that become landmarks, or the one that it found."""

from pathlib import Path

import pandas as pd

from supernet import records, spaces
from supernet.errors import UserError
from supernet.job import Job
from supernet.predictors import counts
from supernet.seeding import stream
from supernet.stages.landmarks import known


def run(job: Job, state: Path) -> None:
    """``count`` of the met architectures that are neither landmarks nor in the evaluation set (D18).

    Those that score highest; or, ``disputed``, those on which super-net and landmarks disagree most.
    """
    taken: set[str] = set()
    for role, files in job.inputs.items():
        if role != "search":
            for path in [files] if isinstance(files, str) else files:
                taken |= set(records.read_table(path)["arch"])
    seen = records.read_table(job.inputs["search"]).drop_duplicates("arch")
    new, count = seen[~seen["arch"].isin(taken)], job.settings["count"]
    if len(new) < count:
        raise UserError(
            f"{job.inputs['search']}: met {len(new)} new architectures, fewer than additions.count = {count}"
        )
    by = _dispute(job, new) if job.settings.get("disputed") else new["score"]
    chosen = new.assign(by=by).sort_values("by", ascending=False, kind="stable")
    records.write_table(job.outputs["archs"], chosen[["arch"]].head(count), job.stamp())


def _dispute(job: Job, new: pd.DataFrame) -> pd.Series:
    """By how much the ranks differ that the super-net and a ridge on the landmarks give each of ``new``.

    The ridge is on counts of operations: from few landmarks it ranks better than one on the one-hot code.
    """
    space = spaces.load(job.settings["space"])
    landmarks, truth = known(job, space)
    predict = counts.fit(space, landmarks, truth, stream(0, "counts"))
    predicted = pd.Series(predict([space.parse(text) for text in new["arch"]]), new.index)
    return (new["score"].rank() - predicted.rank()).abs()
