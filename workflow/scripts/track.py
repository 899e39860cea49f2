"""A view of all runs in MLflow, rebuilt from the files: nothing that trains knows of it.

One MLflow run for each (scale, task, method, seed) whose files are there: its settings as params, its logs and metrics
as learning curves. MLflow's own ids are random, so a run is known by the tags ``run_key`` and ``record_digest``: with
the same digest it is kept, with another it is written anew, and without files it is removed.

    python workflow/scripts/track.py [--tracking-uri sqlite:///mlflow.db]
"""

import argparse
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from supernet import config as configs
from supernet import params as files
from supernet import paths, records
from supernet.config import Config
from supernet.errors import UserError
from supernet.runs import segments

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
BATCH = 1000  # metrics MLflow takes at once


@dataclass(frozen=True)
class Record:
    """What the files say of one run; ``metrics`` are ``(name, value, epoch)``."""

    scale: str
    task: str
    method: str
    seed: int
    params: dict[str, str]
    metrics: list[tuple[str, float, int]]

    @property
    def key(self) -> str:
        """Which run it is, whatever it says."""
        return f"{self.scale}/{self.task}/{self.method}/s{self.seed}"

    @property
    def digest(self) -> str:
        """What it says."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def tags(self) -> dict[str, str]:
        """How it is found again, sorted and grouped."""
        where = {"scale": self.scale, "task": self.task, "method": self.method, "seed": str(self.seed)}
        return {**where, "run_key": self.key, "record_digest": self.digest}


def collect(params: str | Path = "params.yaml") -> Iterator[Record]:
    """Records of all finished runs of all studies."""
    for scale in files.scales(params):
        config = configs.load(scale, params)
        studies = {name: study for name, study in config.studies.items() if scale in study.scales}
        runs = {(study.task, method) for study in studies.values() for method in study.methods}
        measured = [paths.METRICS.format(scale=scale, study=name) for name in studies]
        numbers = [records.read_table(path) for path in measured if Path(path).exists()]
        for task, method in sorted(runs):
            for seed in config.seeds:
                where = {"scale": scale, "task": task, "seed": seed}
                owners = segments(config.methods[method], method)
                logs = [paths.LOG.format(**where, method=owner, iteration=i) for owner, i in owners]
                if all(Path(log).exists() for log in logs):
                    curves = [*_training(logs), *_measured(numbers, task, config.tasks[task].score_truth, method, seed)]
                    settings = dict(_settings(config, task, method))
                    yield Record(scale, task, method, seed, settings, curves)


def _training(logs: list[str]) -> Iterator[tuple[str, float, int]]:
    for log in logs:
        for row in records.read_lines(log):
            yield from ((f"train/{name}", value, row["epoch"]) for name, value in row.items() if name != "epoch")


def _measured(
    numbers: list[pd.DataFrame], task: str, truth: str, method: str, seed: int
) -> Iterator[tuple[str, float, int]]:
    for table in numbers:
        own = table[(table["task"] == task) & (table["truth"] == truth)]
        own = own[(own["method"] == method) & (own["seed"] == seed)]
        for row in own[own["value"].notna() & own["epoch"].notna()].itertuples():
            parts = (row.study, row.estimator, row.searcher, row.metric, row.definition, row.resolution)
            name = "/".join(str(part) for part in parts if not pd.isna(part)).replace(":", ".")
            yield name, float(row.value), int(row.epoch)


def _settings(config: Config, task: str, method: str) -> Iterator[tuple[str, str]]:
    chosen = config.methods[method].model_dump(mode="json")
    return _flat({"method": chosen, "task": config.tasks[task].model_dump(mode="json")})


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(part, f"{prefix}.{name}" if prefix else name)
    elif value is not None:
        yield prefix, str(value)


def mirror(found: list[Record], uri: str) -> Counter[str]:
    """Make the store at ``uri`` say what ``found`` says; counts of runs ``kept``, ``written`` and ``removed``."""
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    done: Counter[str] = Counter(kept=0, written=0, removed=0)
    wanted = {record.key: record for record in found}
    for experiment in client.search_experiments():
        for run in _runs(client, experiment.experiment_id):
            key = run.data.tags.get("run_key")
            if key in wanted and run.data.tags["record_digest"] == wanted[key].digest and run.info.status == "FINISHED":
                del wanted[key]
                done["kept"] += 1
            elif key is not None:
                client.delete_run(run.info.run_id)
                done["removed"] += key not in wanted
    for record in wanted.values():
        experiment = _experiment(client, f"{record.scale}/{record.task}")
        where = client.create_run(experiment, run_name=f"{record.method} s{record.seed}").info.run_id
        client.log_batch(
            where,
            params=[Param(name, value) for name, value in record.params.items()],
            tags=[RunTag(name, value) for name, value in record.tags.items()],
        )
        points = [Metric(name, value, timestamp=0, step=epoch) for name, value, epoch in record.metrics]
        for start in range(0, len(points), BATCH):
            client.log_batch(where, metrics=points[start : start + BATCH])
        client.set_terminated(where)
        done["written"] += 1
    return done


def _runs(client: Any, experiment: str) -> list[Any]:
    """All runs of an experiment, page by page, before any of them is changed."""
    runs, token = [], None
    while True:
        page = client.search_runs([experiment], page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _experiment(client: Any, name: str) -> str:
    known = client.get_experiment_by_name(name)
    return client.create_experiment(name) if known is None else known.experiment_id


def main() -> None:
    """Mirror the files of the current folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracking-uri", default="sqlite:///mlflow.db")
    uri = parser.parse_args().tracking_uri
    try:
        done = mirror(list(collect()), uri)
    except UserError as error:
        raise SystemExit(f"track: {error}") from None
    print(f"{uri}: " + ", ".join(f"{count} {what}" for what, count in done.items()))


if __name__ == "__main__":
    main()
