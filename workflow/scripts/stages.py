"""The pipeline in pieces that DVC keeps, and ``dvc.yaml`` made of them.

Snakemake makes single files; a `Stage` is a group of them that is kept, restored and compared as one: a data set, a
benchmark table, what a task's runs share, all runs of a method, a study, the ledger of a paper. Every kept file belongs
to exactly one.

    python workflow/scripts/stages.py      writes dvc.yaml
"""

import functools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from supernet import config as configs
from supernet import params, paths, records
from supernet.config import Config
from supernet.dag import closure, targets
from supernet.digest import digest
from supernet.errors import UserError
from supernet.job import Job
from supernet.report import plain
from supernet.sections import POOLED

IN_CACHE = ("data", "tables", "runs")  # too big for git, or not ours to hand on
# Parts of the path that name an out; all beneath it is one folder to DVC.
OUT_DEPTH = {"report": 4, "runs": 5, "logs": 5, "scores": 5, "searches": 5, "archs": 6, "truth": 6}
SECTIONS = {
    "task": ("seeds", "threads", "device"),
    "run": ("seeds", "threads", "device"),
    "study": ("seeds", "metrics"),
}
FROZEN = ("short", "full")  # a plain `dvc repro` leaves them alone
HEADER = """\
# Written by `python workflow/scripts/stages.py` from params.yaml and the code; a test keeps it current. Do not edit.
"""


@dataclass
class Stage:
    """Files that DVC keeps together: what makes them, and the outs (files or folders) that hold them."""

    scale: str
    kind: str
    of: str
    jobs: list[Job] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name in dvc.yaml and as a target of Snakemake."""
        return "_".join((self.scale, self.kind, self.of))

    @property
    def files(self) -> list[str]:
        """All files of the group."""
        return [path for job in self.jobs for path in job.outputs.values()]

    @property
    def outs(self) -> list[str]:
        """What DVC looks at; folders where a group has many files."""
        return sorted({out_of(path) for path in self.files})

    @property
    def code(self) -> str:
        """Digest of the modules that its jobs run; in dvc.yaml it stands for them, so that comments change nothing."""
        return digest(*{module for job in self.jobs for module in job.modules})


def stages(config: Config, scale: str) -> list[Stage]:
    """The stages of all studies of ``scale``, and of the papers that they answer."""
    groups: dict[tuple[str, str], Stage] = {}
    for job in closure(config, targets(config, scale)):
        key = group_of(job.first)
        groups.setdefault(key, Stage(scale, *key)).jobs.append(job)
    return [groups[key] for key in sorted(groups)]


def group_of(path: str) -> tuple[str, str]:
    """Kind and name of the stage that keeps ``path``."""
    match path.split("/")[2:]:
        case ["data" | "tables" as kind, file]:
            return kind.removesuffix("s"), Path(file).stem
        case ["archs" | "truth", task, "additions" | "found", method, *_]:
            return "run", f"{task}_{method}"
        case ["archs" | "truth", task, *_]:
            return "task", task
        case ["runs" | "logs" | "scores" | "searches", task, method, *_]:
            return "run", f"{task}_{method}"
        case ["metrics" | "report", study, *_]:
            return "study", Path(study).stem
        case ["ledger", file]:
            return "ledger", Path(file).stem
    raise LookupError(f"{path}: belongs to no stage")


def out_of(path: str) -> str:
    """The DVC out that holds ``path``: the folder of its method, or the file itself."""
    parts = path.split("/")
    return "/".join(parts[: OUT_DEPTH.get(parts[2])])


def parameters(raw: dict[str, Any], config: Config, stage: Stage) -> list[str]:
    """Keys of params.yaml that ``stage`` depends on: the entries its jobs name, and what its scale says of them."""
    keys = {f"{section}.{name}" for section, names in _entries(raw, config, stage).items() for name in names}
    keys |= set(SECTIONS.get(stage.kind, ()))
    keys |= {f"scales.{stage.scale}.{key}" for key in keys}
    return sorted(key for key in keys if _stands(raw, key.split(".")))


def _entries(raw: dict[str, Any], config: Config, stage: Stage) -> dict[str, set[str]]:
    match stage.kind, stage.of.split("_"):
        case "data", [name]:
            return {"data": {name}}
        case "table", [name]:
            return {"tables": {name}}
        case "task", [task]:
            return {"tasks": {task}, "landmarks": {p.split("/")[5] for p in stage.files if "/landmarks/" in p}}
        case "run", [task, name]:
            method = config.methods[name]
            estimators = {p.split("/")[5] for p in stage.files if p.split("/")[2] == "scores"}
            searchers = {p.split("/")[5] for p in stage.files if p.split("/")[2] == "searches"}
            if method.kind == POOLED:
                searchers |= {method.searcher}  # its first pool is met by the warm-up's owner
            lineage = _lineage(raw, config, stage.scale, name) | _lineage(raw, config, stage.scale, method.start)
            return {
                "tasks": {task},
                "methods": lineage,
                "factorials": _factorials(config, name),
                "landmarks": {method.landmarks} - {None},
                "estimators": estimators | {config.searchers[name].estimator for name in searchers},
                "searchers": searchers,
            }
        case "ledger", _:
            return {"studies": {name for name, study in config.studies.items() if study.claims == stage.of}}
        case _:
            study = config.studies[stage.of]
            lineages = (_lineage(raw, config, stage.scale, name) for name in study.methods)
            factorials = {study.factorial} - {None}
            methods = set().union(*lineages)
            return {"studies": {stage.of}, "tasks": {study.task}, "methods": methods, "factorials": factorials}


def _lineage(raw: dict[str, Any], config: Config, scale: str, name: str | None) -> set[str]:
    """A method's entry and those it is based on; of a factorial's method those of its base."""
    if name is None:
        return set()
    entries = (raw["methods"].get(name), ((raw["scales"][scale] or {}).get("methods") or {}).get(name))
    bases = [entry["base"] for entry in reversed(entries) if entry and "base" in entry]
    bases += [config.factorials[design].base for design in _factorials(config, name)]
    return {name} | _lineage(raw, config, scale, bases[0] if bases else None)


def _factorials(config: Config, name: str) -> set[str]:
    """The factorial that makes the method ``name``, if one does."""
    made = {key: design.methods(key) for key, design in config.factorials.items()}
    return {key for key, methods in made.items() if any(methods.get(name, ()))}


def _stands(raw: Any, key: list[str]) -> bool:
    return not key or (isinstance(raw, dict) and key[0] in raw and _stands(raw[key[0]], key[1:]))


def document(path: str | Path = "params.yaml") -> str:
    """The text of dvc.yaml."""
    raw = params.read(path)
    made: dict[str, Any] = {}
    numbers: list[str] = []
    plots: list[Any] = []
    for scale in params.scales(path):
        config = configs.load(scale, path)
        all_stages = stages(config, scale)
        keeper = {file: out_of(file) for stage in all_stages for file in stage.files}
        for study in (stage.of for stage in all_stages if stage.kind == "study" and scale not in FROZEN):
            report = functools.partial(paths.REPORT.format, scale=scale, study=study)
            numbers.append(report(file="metrics.json"))
            plots += [_curves(config, study, report(file="curves.json")), report(file="effects.png")]
        for stage in all_stages:
            sources = {keeper.get(path, path) for job in stage.jobs for path in job.sources}
            made[stage.name] = {
                "cmd": f"snakemake {stage.name}  # code {stage.code}",
                **({"frozen": True} if scale in FROZEN else {}),
                "deps": sorted(sources - set(stage.outs)),
                "params": parameters(raw, config, stage),
                "outs": [{out: {"cache": out.split("/")[2] in IN_CACHE, "persist": True}} for out in stage.outs],
            }
    whole = {"stages": made, "metrics": numbers, "plots": plots}
    return HEADER + yaml.safe_dump(whole, sort_keys=False, default_flow_style=None, width=120)


def _curves(config: Config, study: str, file: str) -> dict[str, Any]:
    """A plot of a study's S-KdT over epochs, a line a method."""
    axes = {"x": plain.EPOCH, "y": {file: config.studies[study].methods}}
    return {file: {**axes, "title": f"S-KdT: {study}", "y_label": "S-KdT, mean over seeds"}}


if __name__ == "__main__":
    try:
        records.write_text("dvc.yaml", document())
    except UserError as error:
        sys.exit(f"stages: {error}")
