"""The best architectures of a search: those that become landmarks, or the one that it found."""

from pathlib import Path

from supernet import records
from supernet.errors import UserError
from supernet.job import Job


def run(job: Job, state: Path) -> None:
    """The ``count`` architectures that score highest and are neither landmarks nor in the evaluation set (D18)."""
    known: set[str] = set()
    for role, files in job.inputs.items():
        if role != "search":
            for path in [files] if isinstance(files, str) else files:
                known |= set(records.read_table(path)["arch"])
    seen = records.read_table(job.inputs["search"]).drop_duplicates("arch")
    best = seen[~seen["arch"].isin(known)].sort_values("score", ascending=False, kind="stable")
    count = job.settings["count"]
    if len(best) < count:
        raise UserError(
            f"{job.inputs['search']}: met {len(best)} new architectures, fewer than additions.count = {count}"
        )
    records.write_table(job.outputs["archs"], best[["arch"]].head(count), job.stamp())
