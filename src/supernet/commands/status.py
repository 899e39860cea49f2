"""`supernet status`: what is done, under way and missing, what it has cost, and what the rest may cost."""

import json as texts
import os
import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from supernet import config as configs
from supernet import dag, lineage, paths, records, states
from supernet import params as files
from supernet.commands import show
from supernet.commands.options import PARAMS, Json, Params, Scale, completing, entries
from supernet.config import Config
from supernet.errors import UserError
from supernet.job import Job

DONE, AWAY, STALE, RUNNING, STOPPED, MISSING = "done", "away", "stale", "running", "stopped", "missing"
MEANING = {
    DONE: "files are here",
    AWAY: "done elsewhere; its files are not here (`make pull` fetches what a remote has; reports need none of it)",
    STALE: "made with other settings than params.yaml has now, or damaged (`snakemake SCALE` makes it again)",
    RUNNING: "a process is at it",
    STOPPED: "was stopped; its state is saved, and it will go on from there",
    MISSING: "not begun",
}
QUIET = 600  # seconds without a new state, after which a job of another host counts as stopped


def status(
    scale: Scale = None,
    study: Annotated[
        str | None,
        typer.Option(
            help="One entry of `studies`, with its kinds of jobs.", autocompletion=completing(entries("studies"))
        ),
    ] = None,
    params: Params = PARAMS,
    json: Json = False,
) -> None:
    """What is done, running and missing of every study, its cost so far and an estimate of the rest.

    Costs are core-hours. The rest is estimated from finished jobs of its kind, at the same scale.
    """
    config = {name: configs.load(name, params) for name in ([scale] if scale else files.scales(params))}
    if study is not None:
        every = next(iter(config.values())).studies
        if study not in every:
            raise UserError(f"{params}: studies: no {study!r}; known: {', '.join(every) or 'none'}")
        config = {name: chosen for name, chosen in config.items() if name in chosen.studies[study].scales}
        if not config:
            there = ", ".join(every[study].scales)
            raise UserError(f"{params}: studies.{study}.scales: not at scale {scale}, but at: {there or 'none'}")
    found = answer(config, study)
    if json:
        return show.as_json(found)
    for name, part in found["scales"].items():
        rows = [*part["studies"].items(), *([("together", part["together"])] if len(part["studies"]) > 1 else [])]
        if study in part["studies"]:
            rows = [*part["studies"][study]["stages"].items(), *rows]
        counts = part["together"]["jobs"]
        shown = [state for state in MEANING if counts[state] or state in (DONE, MISSING)]
        show.table([_row(label, row, shown) for label, row in rows], title=f"scale {name}")
        print()
    for job in found["running"]:
        print(f"running: {job['output']} on {job['host']}, process {job['pid']}")
    seen = {state for part in found["scales"].values() for state, count in part["together"]["jobs"].items() if count}
    for state in (AWAY, STALE, STOPPED):
        if state in seen:
            print(f"{state}: {MEANING[state]}")
    return None


def answer(config: Mapping[str, Config], study: str | None = None) -> dict[str, Any]:
    """By scale: every study, and all ``together`` (jobs that studies share once); and which jobs are running."""
    labels = list(_labels())
    scales = {}
    for scale, chosen in config.items():
        here = [name for name, entry in chosen.studies.items() if scale in entry.scales and study in (None, name)]
        jobs = {name: dag.of_study(chosen, scale, name) for name in here}
        every = {job.first: job for found in jobs.values() for job in found}
        known = {path: (_state(job, labels), _seconds(path)) for path, job in every.items()}
        rates = _rates(every, known)

        def sums(found: Iterable[Job]) -> dict[str, Any]:
            return _sums(found, known, rates)  # noqa: B023 - called at once

        scales[scale] = {
            "studies": {
                name: {**sums(found), "stages": {s: sums(j for j in found if j.stage == s) for s in _stages(found)}}
                for name, found in jobs.items()
            },
            "together": sums(every.values()),
        }
    running = [{k: label[k] for k in ("output", "host", "pid")} for label in labels if not label["stopped"]]
    return {"scales": scales, "running": running}


def _sums(
    found: Iterable[Job], known: Mapping[str, tuple[str, float]], rates: Mapping[tuple[str, str], float]
) -> dict[str, Any]:
    """Jobs by state, core-hours spent and to come, and for how many missing jobs nothing is known to estimate from."""
    jobs, spent, rest, unknown = dict.fromkeys(MEANING, 0), 0.0, 0.0, 0
    for job in found:
        state, seconds = known[job.first]
        jobs[state] += 1
        spent += seconds
        if state not in (DONE, AWAY):
            rate = next((rates[kind] for kind in _kinds(job) if kind in rates), None)
            unknown += rate is None
            rest += (rate or 0) * _size(job)
    costs = {"spent_core_hours": spent / 3600, "rest_core_hours": rest / 3600}
    return {"jobs": jobs, **costs, "rest_unknown_jobs": unknown}


def _state(job: Job, labels: Sequence[Mapping[str, Any]]) -> str:
    """Running before all else, then stopped where a saved state is the one to go on from, else what the files say."""
    own = [label for label in labels if label["output"] == job.first]
    if any(not label["stopped"] for label in own):
        return RUNNING
    if own and all(Path(path).is_file() for path in job.sources):
        state = lineage.state(job).name  # another one was left by other parameters or other code
        if any(label["state"] == state for label in own):
            return STOPPED
    if not all(Path(path).is_file() for path in job.outputs.values()):
        return AWAY if Path(paths.costs(job.first)).is_file() else MISSING
    try:
        stamps = map(records.provenance, lineage.stamped(job))
        return STALE if any(lineage.difference(stamp, job) for stamp in stamps) else DONE
    except UserError:
        return STALE


def _labels() -> Iterable[dict[str, Any]]:
    """What the lock of each unfinished job says of it: its first output, host and process, and whether it ended."""
    for lock in sorted(Path(paths.STATE).parent.glob(f"*/{states.LOCK}")):
        try:
            label = texts.loads(lock.read_text())
        except (OSError, ValueError):  # removed meanwhile, or just being written
            continue
        if not (isinstance(label, dict) and {"output", "host", "pid"} <= label.keys()):
            continue
        # A lock is not tried, for that could stop a job that starts now. On another host: does its state still grow?
        here = label["host"] == socket.gethostname()
        stopped = not _alive(label["pid"]) if here else time.time() - _grew(lock.parent) > QUIET
        yield label | {"stopped": stopped, "state": lock.parent.name}


def _grew(state: Path) -> float:
    """When a file of the folder was last written."""
    return max((file.stat().st_mtime for file in state.iterdir()), default=0.0)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _rates(every: Mapping[str, Job], known: Mapping[str, tuple[str, float]]) -> dict[tuple[str, str], float]:
    """Mean seconds a unit of work, of the jobs that have costs, by each of `_kinds`."""
    each = defaultdict(list)
    for path, job in every.items():
        if known[path][1] and _size(job):  # of a net that is not trained no rate can be told
            for kind in _kinds(job):
                each[kind].append(known[path][1] / _size(job))
    return {kind: sum(values) / len(values) for kind, values in each.items()}


def _kinds(job: Job) -> Iterable[tuple[str, str]]:
    """What a job's cost is estimated from, the most alike first: its other seeds, its method or search, its stage."""
    for keys in (("method", "regulariser", "searcher", "epochs"), ("method", "regulariser", "searcher"), ()):
        yield job.stage, texts.dumps({key: job.settings.get(key) for key in keys}, sort_keys=True)


def _size(job: Job) -> float:
    first, last = job.settings.get("epochs", (0, 1)) if job.stage == "train" else (0, 1)
    return last - first


def _seconds(path: str) -> float:
    costs = Path(paths.costs(path))
    return records.core_seconds(costs) if costs.is_file() else 0.0


def _stages(found: Iterable[Job]) -> list[str]:
    return sorted({job.stage for job in found})


def _row(label: str, sums: Mapping[str, Any], shown: Iterable[str]) -> dict[str, str]:
    jobs = sums["jobs"]
    rest = [f"{sums['rest_core_hours']:.2f}"] if sums["rest_core_hours"] or not sums["rest_unknown_jobs"] else []
    rest += [f"? ({sums['rest_unknown_jobs']} jobs)"] if sums["rest_unknown_jobs"] else []
    return {
        "study": label,
        "jobs": str(sum(jobs.values())),
        **{state: str(jobs[state]) for state in shown},
        "core-hours spent": f"{sums['spent_core_hours']:.2f}",
        "to come, about": " + ".join(rest),
    }
