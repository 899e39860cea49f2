"""Whether the files on disk are those that params.yaml asks for, and what a job's state is known by.

Files say of themselves how they were made (`supernet.records`), the plan says how they should have been: a table of
another study, another setting or another copy of a file is refused before it is made. Snakemake's and DVC's records
are not asked, which may be lost, or say what was told them.
"""

import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from supernet import paths, records
from supernet.config import Config
from supernet.dag import closure, producer, targets
from supernet.digest import digest
from supernet.errors import UserError
from supernet.job import Job

STAMPED = (".parquet", ".safetensors")


def check(config: Config, job: Job) -> None:
    """Refuse to run ``job`` on files that other parameters made, however far back; an absent one contradicts nothing.

    Raises ``UserError`` naming the first such file and the setting that differs. Only what files say of themselves is
    read: that they are the very files which those after them were made from, `supernet.report.chain` checks.
    """
    for made in closure(config, [producer(config, path) for path in job.sources if path.startswith("results/")]):
        for path in _stamped(made):
            _compare(path, records.provenance(path), made)


def verify(config: Config, scale: str) -> tuple[int, int, int]:
    """Check settings and input hashes of all files of ``scale``.

    Returns how many files carry a stamp, how many links to inputs were checked, and how many files are absent. Raises
    ``UserError`` at the first file that other parameters made, or that was made from another input than the one there.
    """
    jobs = closure(config, targets(config, scale))
    stamps = {path: (records.provenance(path), job) for job in jobs for path in _stamped(job)}
    for path, (stamp, job) in stamps.items():
        _compare(path, stamp, job)
    sha256 = functools.cache(records.sha256)
    links = [(path, source) for path, (_, job) in stamps.items() for source in job.sources if Path(source).exists()]
    for path, source in links:
        if sha256(source) != stamps[path][0]["inputs"][source]:
            raise UserError(f"{path}: was made from another {source} than the one on disk; run its rule again")
    absent = sum(not Path(path).exists() for job in jobs for path in job.outputs.values())
    return len(stamps), len(links), absent


def state(job: Job) -> Path:
    """The folder of the resumable state of ``job``: by what it is made from, with which settings and by which code."""
    identity = json.dumps([job.stamp(), digest(*job.modules)], sort_keys=True)
    return Path(paths.STATE.format(digest=hashlib.sha256(identity.encode()).hexdigest()[:24]))


def _stamped(job: Job) -> list[str]:
    return [path for path in job.outputs.values() if Path(path).suffix in STAMPED and Path(path).exists()]


def _compare(path: str, stamp: dict[str, Any], job: Job) -> None:
    """``UserError`` if ``stamp`` is not what ``job`` writes."""
    asked = {"stage": job.stage, "settings": json.loads(job.key), "inputs": dict.fromkeys(sorted(job.sources))}
    said = {**stamp, "inputs": dict.fromkeys(sorted(stamp.get("inputs", {})))}
    for kind in ("stage", "settings", "inputs"):
        for name, ours, theirs in _differences(asked[kind], said.get(kind), kind):
            raise UserError(
                f"{path}: was made by other parameters ({name}: {_short(theirs)}, params.yaml asks for {_short(ours)});"
                " run its rule again, or restore the params.yaml that it belongs to"
            )


def _differences(ours: Any, theirs: Any, name: str) -> Iterable[tuple[str, Any, Any]]:
    """``(name, ours, theirs)`` of every leaf that differs."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if key not in ours or key not in theirs:
                yield f"{name}.{key}", ours.get(key, "nothing"), theirs.get(key, "nothing")
            else:
                yield from _differences(ours[key], theirs[key], f"{name}.{key}")
    elif ours != theirs:
        yield name, ours, theirs


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
