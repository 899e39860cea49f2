"""A view of all runs in MLflow, rebuilt from the files (`tracked.py`): nothing that trains knows of it.

One MLflow run for each (scale, task, method, seed) that has begun, flat, and one for each study with its figures.
MLflow's own ids are random, so a run is known by the tags ``run_key`` and ``record_digest``: with the same digest it is
kept, with another it is written anew, and without files it is removed. A run that still trains grows in place.

    python workflow/scripts/track.py [--tracking-uri sqlite:///mlflow.db] [--watch 30]
"""

import argparse
import fcntl
import logging
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a server that is not there is said at once
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

import views
from tracked import Record, collect

from supernet.errors import UserError

DEFAULT = "sqlite:///mlflow.db"
BATCH = 1000  # metrics MLflow takes at once
LOCK = "results/.track.lock"  # two mirrors at a time would write every run twice
STALLED = 600  # seconds without a new state, after which a training counts as stopped


def mirror(found: list[Record], uri: str, prefix: str = "") -> Counter[str]:
    """Make the store at ``uri`` say what ``found`` says.

    Returns how many runs were ``kept``, ``written``, ``removed`` and ``grown``. Only experiments whose names begin with
    ``prefix`` are looked at. Raises ``UserError`` if the store cannot be used.
    """
    try:
        return _mirror(found, uri, prefix)
    except Exception as error:
        raise UserError(f"{uri}: {_reason(error, uri)}") from error


def _mirror(found: list[Record], uri: str, prefix: str) -> Counter[str]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    done: Counter[str] = Counter(kept=0, written=0, removed=0, grown=0)
    wanted = {record.key: record for record in found}
    experiments = {e.name: e.experiment_id for e in client.search_experiments() if e.name.startswith(prefix)}
    for run in (run for where in experiments.values() for run in _runs(client, where)):
        key = run.data.tags.get("run_key")
        if key is None:
            continue  # somebody else's
        record = wanted.get(key)
        if record is None or run.data.tags["record_digest"] != record.digest or not _whole(run, record):
            client.delete_run(run.info.run_id)
            done["removed"] += record is None
            continue
        del wanted[key]
        grown = record.live and _grow(client, run.info.run_id, record, int(run.data.tags["epoch"]))
        if record.live and run.info.status != (status := _status(record)):
            client.update_run(run.info.run_id, status=status)
        done["grown" if grown else "kept"] += 1
    for record in wanted.values():
        name = prefix + record.experiment
        if name not in experiments:
            tags = views.tags() if "method" in record.tags else views.KIND
            experiments[name] = client.create_experiment(name, tags=tags)
        _write(client, experiments[name], record)
        done["written"] += 1
    return done


def _whole(run: Any, record: Record) -> bool:
    """Whether the run was written to its end: a mirror that was killed leaves one behind that was not."""
    return "epoch" in run.data.tags and (record.live or run.info.status == "FINISHED")


def _write(client: Any, experiment: str, record: Record) -> None:
    from mlflow.entities import Param

    end = int(1000 * (record.ended or time.time()))
    start = end - int(1000 * record.seconds)
    tags = {**record.tags, "run_key": record.key, "record_digest": record.digest}
    run = client.create_run(experiment, start_time=start, run_name=record.name, tags=tags).info.run_id
    if record.params:
        client.log_batch(run, params=[Param(name, value) for name, value in record.params.items()])
    for path in record.artifacts:
        client.log_artifact(run, path)
    _grow(client, run, record, -1)
    if not record.live:
        client.set_terminated(run, end_time=end)


def _status(record: Record) -> str:
    return "RUNNING" if time.time() - record.ended < STALLED else "KILLED"


def _grow(client: Any, run: str, record: Record, known: int) -> bool:
    """Add the points after epoch ``known``, then note how far it got; whether there were any."""
    from mlflow.entities import Metric

    points = [Metric(name, value, timestamp=0, step=epoch) for name, value, epoch in record.points if epoch > known]
    for start in range(0, len(points), BATCH):
        client.log_batch(run, metrics=points[start : start + BATCH])
    client.set_tag(run, "epoch", str(record.epoch))
    return bool(points)


def _runs(client: Any, experiment: str) -> list[Any]:
    """All runs of an experiment, page by page, before any of them is changed."""
    runs, token = [], None
    while True:
        page = client.search_runs([experiment], page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _reason(error: Exception, uri: str) -> str:
    """One line of what MLflow, its database or its server says, and what to do."""
    import mlflow

    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if any(sign in said for sign in ("out-of-date database schema", "Can't locate revision")):
        return (
            f"is a store of another MLflow version than this one, {mlflow.__version__}; move it away, all of it comes"
            f" from results/, or bring it up to date: mlflow db upgrade {uri}"
        )
    if uri.startswith("http"):
        return f"the tracking server does not answer as one ({said[:160]}); start it, or correct MLFLOW_TRACKING_URI"
    return f"is no store that MLflow can use ({said[:160]}); move it away and track again"


def _once(uri: str, prefix: str) -> Counter[str]:
    Path(LOCK).parent.mkdir(exist_ok=True)
    with Path(LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return mirror(list(collect()), uri, prefix)


def _watch(uri: str, prefix: str, seconds: float) -> None:
    """Mirror again and again, until Ctrl-C; a line whenever something has changed, or cannot be done for now."""
    said = None
    while True:
        try:
            done = _once(uri, prefix)
            line = _line(uri, done) if +Counter({**done, "kept": 0}) or said is None else said
        except (UserError, OSError) as error:  # a file may go while it is looked at
            line = f"track: {error}"
        if line != said:
            print(time.strftime("%H:%M:%S"), line, flush=True)
        said = line
        time.sleep(seconds)


def _line(uri: str, done: Counter[str]) -> str:
    return f"{uri}: " + ", ".join(f"{count} {what}" for what, count in done.items())


def main() -> None:
    """Mirror the files of the current folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracking-uri", default=os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT)
    parser.add_argument("--prefix", default="", help="before the names of experiments, on a server that others use too")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="again and again, as trainings go on")
    chosen = parser.parse_args()
    logging.getLogger("alembic").setLevel(logging.ERROR)
    try:
        if chosen.watch is not None:
            _watch(chosen.tracking_uri, chosen.prefix, chosen.watch)
        print(_line(chosen.tracking_uri, _once(chosen.tracking_uri, chosen.prefix)))
    except UserError as error:
        raise SystemExit(f"track: {error}") from None
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
