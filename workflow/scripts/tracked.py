"""What the files say of every run and study, for `track.py`: nothing is changed."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from supernet import config as configs
from supernet import lineage, paths, plan, records, states
from supernet import params as files
from supernet.config import Config
from supernet.errors import UserError
from supernet.job import Job
from supernet.report import quantities
from supernet.report.rows import select
from supernet.runs import searcher_of, seeds_of, segments
from supernet.sections import Method

Point = tuple[str, float, int]  # name, value, epoch
STATES: dict[Any, Path] = {}
DIGITS = 4  # of what the runs' table shows
FIGURES = ("table.md", "effects.png", "sparse_kendall_tau.png", "ranks.png")


@dataclass(frozen=True)
class Record:
    """One run of MLflow. ``key`` says which it is, whatever it says; ``digest`` what it says.

    When it ``ended`` (seconds since 1970), or last grew if it is ``live``, and how many ``seconds`` it took are for the
    eye alone.
    """

    experiment: str
    name: str
    key: str
    params: dict[str, str]
    tags: dict[str, str]
    points: list[Point]
    artifacts: list[str] = field(default_factory=list)
    ended: float = 0.0
    seconds: float = 0.0
    live: bool = False

    @property
    def digest(self) -> str:
        """Of a live run: of what does not grow."""
        says = [self.key, self.name, self.params, self.tags, self.live, [] if self.live else self.points]
        says.append([records.sha256(path) for path in self.artifacts])
        return hashlib.sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()

    @property
    def epoch(self) -> int:
        """The last one that it knows of."""
        return max((epoch for _, _, epoch in self.points), default=0)


def collect(params: str | Path = "params.yaml") -> Iterator[Record]:
    """Records of all runs that have begun and of all studies that have a report, at every scale."""
    kept = _kept()
    for scale in files.scales(params):
        config = configs.load(scale, params)
        studies = {name: study for name, study in config.studies.items() if scale in study.scales}
        tables = {name: records.read_table(path) for name in studies if (path := _measured(config, scale, name))}
        runs: dict[tuple[str, str, int], list[str]] = {}
        for name, study in studies.items():
            for method in study.methods:
                for seed in seeds_of(config, name):
                    runs.setdefault((study.task, method, seed), []).append(name)
        for where, names in sorted(runs.items()):
            yield from _run(config, scale, *where, names, tables, kept)
        for name in tables:
            yield from _study(config, scale, name)


def _measured(config: Config, scale: str, study: str) -> str | None:
    """The metrics of a study, if there are some that params.yaml asks for; other seeds change no run's numbers."""
    path = paths.METRICS.format(scale=scale, study=study)
    if not Path(path).exists():
        return None
    seeds = records.provenance(path)["settings"]["seeds"]
    job = plan.measure(config.model_copy(update={"seeds": seeds}), scale=scale, study=study)
    return path if _stands(job) else None


def _stands(job: Job) -> bool:
    """Whether the first output is there and as params.yaml asks: no number is shown under other parameters."""
    return Path(job.first).exists() and lineage.difference(records.provenance(job.first), job) is None


def _run(
    config: Config, scale: str, task: str, name: str, seed: int, studies: list[str], tables: Any, kept: dict[str, str]
) -> Iterator[Record]:
    method = config.methods[name]
    at = {"scale": scale, "task": task, "seed": seed}
    parts = [{**at, "method": owner, "iteration": i} for owner, i in segments(method, name)]
    logs = [paths.LOG.format(**part) for part in parts]
    live = not all(Path(log).exists() for log in logs)
    if live:
        rows, ended = _so_far(config, name, parts)
    else:
        rows, ended = [row for log in logs for row in records.read_lines(log)], Path(logs[-1]).stat().st_mtime
    last = plan.train(config, **parts[-1])
    if not rows or (not live and Path(last.first).exists() and not _stands(last)):
        return  # nothing yet, or what is there was trained by other parameters
    points = [(f"train/{k}", v, row["epoch"]) for row in rows for k, v in row.items() if k != "epoch"]
    folder = f"results/{scale}/runs/{task}/{name}"
    weights = paths.WEIGHTS.format(**parts[-1])
    tags = {"scale": scale, "task": task, "method": name, "seed": str(seed), "studies": " ".join(studies)}
    tags |= {"kind": method.kind, "regulariser": method.regulariser.kind if method.regulariser else "none"}
    tags["mlflow.source.name"] = f"snakemake {weights}"
    seconds = 0.0
    if not live:
        spent = _costs(config, at, name, method, parts, studies)
        points += [(f"spent/{what}", value, 0) for what, value in spent.items()]
        for study in filter(tables.__contains__, studies):
            points += _numbers(config, scale, study, tables[study], name, seed)
        seconds = 3600 * spent.get("training hours", 0.0)
        tags |= {"checkpoint": weights, "mlflow.note.content": _note(scale, task, name, seed, weights, studies)}
        if folder in kept:
            tags["checkpoint_dvc"] = kept[folder]
        if found := _sha256_of(config, parts[-1], studies, weights):
            tags["checkpoint_sha256"] = found
    settings = {**method.model_dump(mode="json"), "task": config.tasks[task].model_dump(mode="json")}
    yield Record(
        experiment=f"{scale}/{task}",
        name=f"{name} s{seed}",
        key=f"{scale}/{task}/{name}/s{seed}",
        params=dict(_flat(settings)),
        tags=tags,
        points=list(dict.fromkeys(points)),
        ended=ended,
        seconds=seconds,
        live=live,
    )


def _so_far(config: Config, name: str, parts: list[dict[str, Any]]) -> tuple[list[dict[str, float]], float]:
    """The rows of a run that is not finished, and when it last grew; none if only another run's warm-up is there.

    The last ones come from the state that the training saves as it goes (`supernet.train.SAVE_EVERY`), which is only
    looked at: no lock is taken, and a state that is being replaced is seen the next time.
    """
    rows: list[dict[str, float]] = []
    own, grew = False, 0.0
    for part in parts:
        job = plan.train(config, **part)
        saved = _saved(job) if part["method"] == name else None
        log = Path(job.outputs["log"])
        done = log.exists()  # looked at after the state, which is removed when the log is there
        if done:
            saved = records.read_lines(log), log.stat().st_mtime
        if saved is not None:
            rows, grew = rows + saved[0], saved[1]
            own = own or part["method"] == name
        if not done:
            break
    return (rows, grew) if own else ([], 0.0)


def _saved(job: Job) -> tuple[list[dict[str, float]], float] | None:
    """The finished epochs in a job's newest state, and when it was saved; None if there is no state."""
    if not all(Path(path).exists() for path in job.sources):
        return None
    folder = _state(job)
    for name in (states.CURRENT, states.PREVIOUS, states.CURRENT):  # it moves from one name to the other
        with contextlib.suppress(UserError, FileNotFoundError):
            progress = json.loads(records.provenance(folder / name)["progress"])
            return progress["rows"], (folder / name).stat().st_mtime
    return None


def _state(job: Job) -> Path:
    """The folder of a job's state; its inputs are hashed anew only when one of them has changed."""
    stats = [(path, Path(path).stat()) for path in job.sources]
    known = (job.key, *((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats))
    if known not in STATES:
        STATES[known] = lineage.state(job)
    return STATES[known]


def _numbers(config: Config, scale: str, study: str, table: pd.DataFrame, method: str, seed: int) -> Iterator[Point]:
    """The columns of a study's table for one run: over epochs as ``rank/…``, the last ones as ``final/…``.

    What is one number has epoch 0: MLflow draws bars for it, and lines for the rest.
    """
    settings = plan.measure(config, scale=scale, study=study).settings
    own = select(table, method=method, seed=seed)
    for quantity in [*quantities.quantities(table, settings), *quantities.elsewhere(table, settings)]:
        rows = select(own, **quantity.where).dropna(subset=["value", "epoch"]).sort_values("epoch")
        searcher = quantity.where.get("searcher")
        name = _plain(quantity.title + (f" by {searcher}" if searcher else ""))
        values = list(zip((rows["value"] * quantity.factor).tolist(), rows["epoch"].astype(int).tolist(), strict=True))
        if len(values) > 1:
            yield from ((f"rank/{name}", *value) for value in values)
        yield from ((f"final/{name}", round(value, DIGITS), 0) for value, _ in values[-1:])


def _plain(title: str) -> str:
    """A title in the characters that MLflow allows."""
    for sign, word in {", %": " pct", " %": " pct", "P@": "P at ", ",": "", ":": " "}.items():
        title = title.replace(sign, word)
    return title


def _costs(
    config: Config, at: dict[str, Any], name: str, method: Method, parts: list[dict[str, Any]], studies: list[str]
) -> dict[str, float]:
    """Core-hours by what they went into, hours and peak memory of training; what has no costs file is left out."""
    chosen = [config.studies[study] for study in studies]
    last = {**at, "method": name, "iteration": method.iterations}
    searchers = dict.fromkeys(searcher_of(method, s) for study in chosen for s in study.searchers)
    estimators = dict.fromkeys(e for study in chosen for e in study.estimators)
    outputs = {
        "training": [paths.WEIGHTS.format(**part) for part in parts],
        "scoring": [paths.SCORES.format(**part, estimator=e) for part in parts for e in estimators],
        "search": [paths.SEARCH.format(**last, searcher=s) for s in searchers],
    }
    found = {}
    for what, made in outputs.items():
        notes = [path for path in map(paths.costs, made) if Path(path).exists()]
        if notes and len(notes) == len(made):
            found[f"{what} core-hours"] = round(sum(map(records.core_seconds, notes)) / 3600, DIGITS)
            if what == "training":
                found["training hours"] = round(sum(map(records.seconds, notes)) / 3600, DIGITS)
                found["peak memory MB"] = max(records.read_json(path)["peak_memory_mb"] for path in notes)
    return found


def _sha256_of(config: Config, part: dict[str, Any], studies: list[str], weights: str) -> str | None:
    """The hash of the checkpoint, which its scores name: also where the weights themselves are not."""
    estimators = [estimator for study in studies for estimator in config.studies[study].estimators]
    for path in (paths.SCORES.format(**part, estimator=estimator) for estimator in estimators):
        if Path(path).exists():
            return records.provenance(path)["inputs"].get(weights)
    return None


def _note(scale: str, task: str, method: str, seed: int, weights: str, studies: list[str]) -> str:
    """The description on the run's page: where its weights and its figures are."""
    lines = [
        f"Super-net `{method}` of `{task}`, scale `{scale}`, seed {seed}.",
        f"Weights: `{weights}`; where they are absent: `make pull SCALE={scale}`.",
        f"Figures: experiment `{scale}/studies`, {', '.join(f'`{study}`' for study in studies)}.",
    ]
    return "\n\n".join(lines)


def _study(config: Config, scale: str, name: str) -> Iterator[Record]:
    """A study's table and figures, for an experiment beside those of the runs."""
    report = [paths.REPORT.format(scale=scale, study=name, file=file) for file in FIGURES]
    present = [path for path in report if Path(path).exists()]
    if not present:
        return
    study = config.studies[name]
    tags = {"scale": scale, "task": study.task, "study": name, "mlflow.note.content": study.title}
    tags["mlflow.source.name"] = f"snakemake {scale}_study_{name}"
    yield Record(
        experiment=f"{scale}/studies",
        name=name,
        key=f"{scale}/studies/{name}",
        params={"methods": " ".join(study.methods), "seeds": str(seeds_of(config, name))},
        tags=tags,
        points=[],
        artifacts=present,
        ended=Path(present[0]).stat().st_mtime,
    )


def _kept() -> dict[str, str]:
    """What dvc.lock says: the hash of every file and folder that DVC keeps."""
    if not Path("dvc.lock").exists():
        return {}
    try:
        stages = yaml.load(Path("dvc.lock").read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["stages"]
        return {out["path"]: f"md5:{out['md5']}" for stage in stages.values() for out in stage.get("outs", [])}
    except (yaml.YAMLError, KeyError, TypeError):
        raise UserError("dvc.lock: is not what DVC writes; see `dvc status`, or `git checkout dvc.lock`") from None


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(part, f"{prefix}.{name}" if prefix else name)
    elif value is not None:
        yield prefix, str(value)
