"""A tiny study on disk: every file that `plan.measure` asks for, written through records with true provenance."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from supernet import arch as archs
from supernet import config, plan, records, spaces
from supernet.job import Job
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")
ARCHS = [SPACE.format(archs.sample(SPACE.choices, stream(0, "tiny", i))) for i in range(24)]
ARCHS[23] = SPACE.format((*(a := SPACE.parse(ARCHS[22]))[:5], (a[5] + 1) % 5))  # these two differ in one operation
COLUMNS = {
    "agreement": ["gradients"],
    "gradients": ["snip", "grasp"],
    "synflow": ["synflow"],
    "activations": ["jacob_cov"],
    "complexity": ["parameters", "live_parameters"],
}
PARAMS = Path(__file__).parents[2] / "params.yaml"


def accuracy(text: str) -> float:
    """A made-up accuracy between 0 and 1, on a grid of 0.001."""
    arch = SPACE.parse(text)
    return round(0.3 + sum((0, 0.02, 0.06, 0.1, 0.01)[o] * (1 + i / 10) for i, o in enumerate(arch)) / 1.2, 3)


def load(root: Path, scale: str = "demo", bootstrap: int = 20) -> config.Config:
    """The project's own parameters, with few resamples and fewer evaluation architectures."""
    raw = yaml.safe_load(PARAMS.read_text().replace("5e-4", "0.0005"))
    raw["metrics"]["bootstrap"] = bootstrap
    for task in raw["tasks"].values():
        task["evaluation"] = 16
    (raw["scales"][scale] or {}).pop("studies", None)  # the whole study, whatever of it a scale has run so far
    raw["scales"][scale]["seeds"] = [0, 1, 2]
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    return config.load(scale, root / "params.yaml")


def only(chosen: config.Config, study: str) -> config.Config:
    """``chosen`` with that study alone."""
    return chosen.model_copy(update={"studies": {study: chosen.studies[study]}})


def write_study(chosen: config.Config, study: str, scale: str) -> Job:
    """Write truths, scores and searches below the working directory and return the job that measures them."""
    job = plan.measure(chosen, scale=scale, study=study)
    evaluation, also = ARCHS[:16], job.settings["task"]["truth"].get("also", [])
    for path in job.inputs["evaluation"]:
        _write(path, _truth(evaluation, also))
    for path in job.inputs.get("landmarks", []):
        _write(path, _truth(ARCHS[16:22]))
    for path in job.inputs.get("space", []):
        _write(path, _truth(ARCHS))
    for path in job.inputs["scores"]:
        scores, population = _scores(path, chosen, evaluation), "evaluation"
        if path.split("/")[5] in job.settings.get("archs", {}):
            scores, population = _scores(path, chosen, ARCHS), "space"
            scores = scores[scores["epoch"] == scores["epoch"].max()]
        _write(path, scores, job.inputs[population])
    for path in job.inputs.get("logs", []):
        first, last = chosen.methods[path.split("/")[4]].segment(int(path.split("/")[-1][1:-6]))
        asked = job.settings["study"]["logged"]
        records.write_lines(path, [{"epoch": e, **dict.fromkeys(asked, -0.1 * e)} for e in range(first + 1, last + 1)])
    for path in job.inputs.get("searches", []):
        scores = np.arange(6) / 10
        table = pd.DataFrame({"step": np.arange(1, 7), "arch": ARCHS[10:16], "score": scores, "best": scores})
        _write(path, table)
    for path in job.inputs.get("found", []):
        found = _truth(ARCHS[15:16], also)
        if scale != "demo":  # looked up: with its standing in the whole space, here all of ARCHS
            for prefix, rows in {"": ARCHS, **{f"{name}/": ARCHS[8:] for name in also}}.items():
                known = _truth(rows, also)[f"{prefix}test"]
                found[f"{prefix}test_rank"] = 1 + int((known > found[f"{prefix}test"][0]).sum())
                found[f"{prefix}test_best"] = known.max()
                found[f"{prefix}among"] = len(known)
        _write(path, found)
    return job


def _truth(names: list[str], also: list[str] = ()) -> pd.DataFrame:
    """Made-up truths; on every other data set the order is the other way round."""
    test = np.array([accuracy(a) for a in names])
    noise = np.resize([0.004, -0.002, 0.0], len(names))
    columns = {"valid": test + noise, "test": test, "test_s0": test + noise, "test_s1": test - noise}
    others = {f"{name}/{split}": 1 - columns[split] for name in also for split in ("valid", "test")}
    return pd.DataFrame({"arch": names, **columns, **others})


def _scores(path: str, chosen: config.Config, names: list[str]) -> pd.DataFrame:
    """Better with every epoch, and with landmarks."""
    method, seed, iteration = path.split("/")[4], int(path.split("/")[-2][1:]), int(path.split("/")[-1][1:-8])
    first, last = chosen.methods[method].segment(iteration)
    every, tables = chosen.methods[method].train.checkpoint_every, []
    for epoch in sorted({*range(first // every * every + every, last + 1, every), last}):
        noise = 0.3 / (1 + epoch / 20) / (2 if "landmark" in method else 1)
        score = np.array([accuracy(a) for a in names]) + noise * stream(seed, method, epoch).normal(size=len(names))
        kind = chosen.estimators[path.split("/")[5]].kind
        columns = {"accuracy": score.round(2), "loss": score}
        if kind in COLUMNS:
            columns = {label: score + 0.1 * i * score**2 for i, label in enumerate(COLUMNS[kind])}
        tables.append(pd.DataFrame({"epoch": epoch, "arch": names, **columns}))
    return pd.concat(tables)


def _write(path: str, table: pd.DataFrame, inputs: list[str] | None = None) -> None:
    records.write_table(path, table, records.stamp("made up", {}, inputs or []))
