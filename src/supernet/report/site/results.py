"""What the site shows, read from the files of a scale that are in git: no weights, no images, no benchmark table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from supernet import chain, lineage, paths, plan, records, runs
from supernet.config import Config
from supernet.errors import UserError
from supernet.job import Job
from supernet.report import costs
from supernet.report.quantities import main_score


@dataclass(frozen=True)
class Study:
    """A study's files: its metrics (``rows``), the rows its page shows (``table``), both pages, and what lies behind.

    ``truth``: accuracy by architecture. ``scores``: by method and seed, the score by architecture at the end of
    training. ``command`` makes all of it again, from whatever is missing.
    """

    name: str
    command: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    rows: pd.DataFrame
    table: pd.DataFrame
    page: str
    costs: str
    truth: pd.Series
    scores: Mapping[tuple[str, int], pd.Series]


@dataclass(frozen=True)
class Ledger:
    """A paper's claims beside our numbers."""

    name: str
    title: str
    command: str
    table: pd.DataFrame


def studies(config: Config, scale: str) -> list[Study]:
    """The studies of ``scale``, in the order of params.yaml.

    Raises ``UserError`` where a file is missing, was made with other settings than params.yaml has now, or from other
    inputs than lie beside it; and where the scale has no study.
    """
    found = [_study(config, scale, name) for name, study in config.studies.items() if scale in study.scales]
    if not found:
        raise UserError(f"params.yaml: studies: none has scale {scale!r}, so there is nothing to report")
    return found


def ledgers(config: Config, scale: str) -> list[Ledger]:
    """The ledgers of the papers that studies of ``scale`` answer; errors as `studies`."""
    papers = dict.fromkeys(s.claims for s in config.studies.values() if s.claims and scale in s.scales)
    found = []
    for name in papers:
        job = plan.ledger(config, scale=scale, claims=name)
        command = f"snakemake {scale}_ledger_{name}"
        _check(job, command)
        title, _, _ = Path(job.outputs["page"]).read_text().partition("\n")
        table = records.read_table(job.outputs["ledger"])
        found.append(Ledger(name, title.removeprefix("# "), command, table))
    return found


def spent(jobs: Iterable[Job]) -> float | None:
    """Core-hours that ``jobs`` took, or None where the costs of one are missing."""
    files = [Path(paths.costs(job.first)) for job in jobs]
    return sum(map(records.core_seconds, files)) / 3600 if all(f.is_file() for f in files) else None


def _study(config: Config, scale: str, name: str) -> Study:
    measured, job = (make(config, scale=scale, study=name) for make in (plan.measure, plan.summary))
    command = f"snakemake {scale}_study_{name}"
    for each in (measured, job):
        _check(each, command)
    metrics = measured.outputs["metrics"]
    return Study(
        name=name,
        command=command,
        settings=job.settings,
        inputs=records.provenance(metrics)["inputs"],
        rows=records.read_table(metrics),
        table=records.read_table(job.outputs["table"]),
        page=Path(job.outputs["page"]).read_text(),
        costs=_costs(config, scale, name),
        truth=_evaluation(scale, job.settings, command),
        scores=dict(_scores(config, scale, name, command)),
    )


def _check(job: Job, command: str) -> None:
    """The job's files are there, made with its settings, from the inputs that lie on disk."""
    for path in job.outputs.values():
        _exists(path, command)
    files = lineage.stamped(job)
    for path in files:
        lineage.check_file(path, job)
    chain.verify(files)


def _exists(path: str, command: str) -> str:
    if not Path(path).is_file():
        raise UserError(f"{path}: no such file; `{command}` makes it")
    return path


def _costs(config: Config, scale: str, name: str) -> str:
    """The committed page, whose estimate of the landmarks needs the benchmark table; else made from the jobs' costs."""
    path = Path(paths.COSTS_PAGE.format(scale=scale, study=name))
    page = path.read_text() if path.is_file() else costs.page(config, scale, name)
    if missing := [method for method in config.studies[name].methods if f"| {method} |" not in page]:
        raise UserError(f"{path}: lacks {missing[0]}; make it again: supernet costs --scale {scale} --study {name}")
    return page


def _evaluation(scale: str, settings: Mapping[str, Any], command: str) -> pd.Series:
    path = paths.TRUTH.format(scale=scale, task=settings["study"]["task"], set=paths.EVALUATION)
    return records.read_table(_exists(path, command)).set_index("arch")[settings["task"]["score_truth"]]


def _scores(config: Config, scale: str, name: str, command: str) -> Iterable[tuple[tuple[str, int], pd.Series]]:
    study = config.studies[name]
    at = {"scale": scale, "task": study.task, "estimator": study.estimators[0]}
    for method in study.methods:
        for seed in runs.seeds_of(config, name):
            iteration = config.methods[method].iterations
            table = records.read_table(
                _exists(paths.SCORES.format(**at, method=method, seed=seed, iteration=iteration), command)
            )
            last = table[table["epoch"] == table["epoch"].max()].set_index("arch").drop(columns="epoch")
            yield (method, seed), last[main_score(sorted(last.columns))]
