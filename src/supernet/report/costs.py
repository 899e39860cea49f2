"""What the runs of a study cost, from the costs of its jobs; these differ from run to run, so no file builds on it.

Core-hours: the CPU time of jobs, or of an accelerator its wall-clock time (`records.core_seconds`). A shared warm-up,
and landmarks that methods share, count for each of them, as if it had been alone.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from supernet import paths, plan, records, runs
from supernet.config import Config
from supernet.errors import UserError
from supernet.report.quantities import DASH, by_whom
from supernet.sections import Method, TableTruth

BENCH = "results/bench/bench.json"
CASE = {"case": "plain step", "cells": 5, "batch": 256}  # whose speed stands for that of stand-alone training
OPERATIONS = 2  # of a multiply-add, as `supernet.bench` counts
PASSES = 3  # forward, and backward for inputs and for weights
# Images that NAS-Bench-201 trained on, by data set and truth: its validation accuracy is that of nets of half of them.
IMAGES = {("cifar10", "valid"): 25_000, ("cifar10", "test"): 50_000}


def table(config: Config, scale: str, study: str) -> pd.DataFrame:
    """A row a method, medians over seeds: ``training``, ``search``, ``scoring`` and ``landmarks`` in core-hours.

    ``search`` is by the study's first searcher, and what the method itself looks for while it trains. ``landmarks`` is
    their stand-alone training, measured or `estimated`; NaN without landmarks. ``ratio``: of training and search, to
    the first method. Raises ``UserError`` where the costs of a job, the benchmark table or the speed are missing.
    """
    if study not in config.studies:
        raise UserError(f"params.yaml: studies: no {study!r}; known: {', '.join(config.studies) or 'none'}")
    if scale not in (there := config.studies[study].scales):
        raise UserError(f"params.yaml: studies.{study}.scales: not at scale {scale}, but at: {', '.join(there)}")
    chosen, seeds = config.studies[study], runs.seeds_of(config, study)
    found = []
    for name in chosen.methods:
        each = pd.DataFrame([dict(_run(config, scale, study, name, seed)) for seed in seeds])
        found.append({"method": name, **each.median()})
    rows = pd.DataFrame(found)
    both = rows["training"] + rows["search"]
    return rows.assign(ratio=both / both.iloc[0])


def _run(config: Config, scale: str, study: str, name: str, seed: int) -> Iterator[tuple[str, float]]:
    chosen, method = config.studies[study], config.methods[name]
    at = {"scale": scale, "task": chosen.task, "seed": seed}
    segments = _segments(config, scale, study, name, seed)
    yield "training", _hours(paths.WEIGHTS.format(**segment) for segment in segments)
    last = {**at, "method": name, "iteration": method.iterations}
    searches = [paths.SEARCH.format(**last, searcher=runs.searcher_of(method, s)) for s in chosen.searchers[:1]]
    searches += on_the_way(config, method, name, at)
    yield "search", _hours(dict.fromkeys(searches))
    scores = [
        paths.SCORES.format(**at, method=owner, iteration=i, estimator=e)
        for e in chosen.estimators
        for owner, i in runs.scored(method, name, config.estimators[e].archs)
    ]
    yield "scoring", _hours(scores)
    files = runs.landmark_files(method, name, paths.TRUTH, at, seed, method.iterations)
    if not files:
        yield "landmarks", float("nan")
    elif isinstance(config.tasks[chosen.task].truth, TableTruth):
        order = runs.order_truth(config.tasks[chosen.task], method)
        yield "landmarks", estimated(config, scale, chosen.task, files, order)
    else:
        yield "landmarks", _hours(files)


def _segments(config: Config, scale: str, study: str, name: str, seed: int) -> list[dict[str, Any]]:
    """Wildcards of the segments that make up a whole run."""
    at = {"scale": scale, "task": config.studies[study].task, "seed": seed}
    return [{**at, "method": owner, "iteration": i} for owner, i in runs.segments(config.methods[name], name)]


def on_the_way(config: Config, method: Method, name: str, at: dict[str, Any]) -> list[str]:
    """Searches that the training of a method waits for: of its pools, and of the landmarks that it adds."""
    where = {"scale": at["scale"], "task": at["task"]}
    jobs = [plan.train(config, **at, method=owner, iteration=i) for owner, i in runs.segments(method, name)]
    pools = [job.inputs["pool"] for job in jobs if "pool" in job.inputs]
    sets = [paths.ADDITIONS.format(method=name, seed=at["seed"], iteration=i) for i in range(1, method.iterations)]
    added = sets if method.additions is not None else []
    return [*pools, *(plan.archs(config, **where, set=s).inputs["search"] for s in added)]


def _hours(outputs: Iterable[str]) -> float:
    return sum(records.core_seconds(paths.costs(output)) for output in outputs) / 3600


def estimated(config: Config, scale: str, task: str, files: Iterable[str], order: str) -> float:
    """Core-hours that training the architectures of ``files`` alone would take, as the benchmark trained them.

    ``order``: the truth that orders them, whose training it was.

    Multiply-adds of an image (the table's ``flops``) x `OPERATIONS` x `PASSES` x images x epochs, at the speed of
    `CASE`.
    """
    truth = config.tasks[task].truth
    flops = records.read_table(paths.TABLE.format(scale=scale, table=truth.table)).set_index("arch")["flops"]
    adds = sum(float(flops.loc[records.read_table(path)["arch"]].sum()) for path in files)
    return adds * OPERATIONS * PASSES * _images(config, task, order) * truth.epochs / _speed() / 3600


def _images(config: Config, task: str, order: str) -> int:
    key = (config.tasks[task].truth.dataset, order)
    if key not in IMAGES:
        raise UserError(f"params.yaml: tasks.{task}: how many images {key[0]} was trained on is not known to costs")
    return IMAGES[key]


def _speed() -> float:
    """Floating-point operations a second and core in `CASE`."""
    content = records.read_json(BENCH)
    rows = [row for row in content["rows"] if all(row[key] == value for key, value in CASE.items())]
    if not rows:
        raise UserError(f"{BENCH}: has no {CASE['case']!r} of 5 cells and batch 256; run `make bench`")
    return rows[0]["gflops"] * 1e9 / content["machine"]["threads"]


def page(config: Config, scale: str, study: str) -> str:
    """The table as Markdown, with what its numbers are."""
    rows, chosen, seeds = table(config, scale, study), config.studies[study], runs.seeds_of(config, study)
    every = (_segments(config, scale, study, name, seed) for name in chosen.methods for seed in seeds)
    files = {paths.costs(paths.WEIGHTS.format(**segment)) for run in every for segment in run}
    processors = {records.read_json(file)["processor"] for file in files}
    first, searchers = chosen.methods[0], chosen.searchers[:1]
    by = " and ".join([*map(by_whom, searchers), "what a method looks for while it trains"])
    lines = [
        f"# Costs: {chosen.title}",
        "",
        f"Task `{chosen.task}`, scale `{scale}`, {len(seeds)} seeds, trained on {' and '.join(sorted(processors))}.",
        "Core-hours: CPU time of the jobs (on an accelerator, its time by the wall), medians over seeds.",
        "A shared warm-up, and landmarks that methods share, count for each of them.",
        f"Search: by {by}. Scoring: of the evaluation architectures at every checkpoint, which only a study needs.",
        f"Ratio: of training and search, to `{first}`.",
        *([_landmarks(config, chosen.task)] if rows["landmarks"].notna().any() else []),
        "",
        "| method | training | search | scoring | ratio | landmarks, trained alone |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        cells = [f"{row[part]:.3g}" for part in ("training", "search", "scoring")]
        landmarks = DASH if pd.isna(row["landmarks"]) else f"{row['landmarks']:.3g}"
        lines.append(f"| {row['method']} | {' | '.join(cells)} | {row['ratio']:.2f} | {landmarks} |")
    return "\n".join(lines) + "\n"


def _landmarks(config: Config, task: str) -> str:
    truth = config.tasks[task].truth
    if not isinstance(truth, TableTruth):
        return "Landmarks: measured, the jobs that trained each of them once."
    images = _images(config, task, config.tasks[task].order_truth)
    return (
        "Landmarks: **an estimate**, for their truth was looked up. Multiply-adds of each on an image (the table's"
        f" `flops`) × {OPERATIONS} operations × {PASSES} for forward and backward × {images:,} images ×"
        f" {truth.epochs} epochs, as the benchmark trained its nets, whatever this scale does; at"
        f" {_speed() / 1e9:.1f} GFLOP/s a core, which `{BENCH}` has for a {CASE['case']} of {CASE['cells']} cells and"
        f" batch {CASE['batch']}."
    )
