"""Whether the files on disk are those that params.yaml asks for, and what a job's state is known by.

Files say of themselves how they were made (`supernet.records`), the plan says how they should have been: a table of
another study, another setting or another copy of a file is refused before it is made. Snakemake's and DVC's records
are not asked, which may be lost, or say what was told them.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from supernet import chain, paths, records
from supernet.config import Config
from supernet.dag import closure, producer, targets
from supernet.digest import digest
from supernet.errors import UserError
from supernet.job import Job


def check(config: Config, job: Job) -> None:
    """Refuse to run ``job`` on files that other parameters made, however far back; an absent one contradicts nothing.

    Raises ``UserError`` naming the first such file and the setting that differs. Only what files say of themselves is
    read: that they are the very files which those after them were made from, `supernet.chain` checks.
    """
    for made in closure(config, [producer(config, path) for path in job.sources if path.startswith("results/")]):
        for path in stamped(made):
            check_file(path, made)


def verify(config: Config, scale: str) -> tuple[int, int, int]:
    """Check settings and input hashes of all files of ``scale``.

    Returns how many files carry a stamp, how many links to inputs were checked, and how many files are absent. Raises
    ``UserError`` at the first file that other parameters made, or that was made from another input than the one there.
    """
    jobs = closure(config, targets(config, scale))
    files = {path: job for job in jobs for path in stamped(job)}
    for path, job in files.items():
        check_file(path, job)
    absent = sum(not Path(path).exists() for job in jobs for path in job.outputs.values())
    return len(files), chain.verify(files), absent


def stamped(job: Job) -> list[str]:
    """The outputs of ``job`` that say how they were made, and are there."""
    return [path for path in job.outputs.values() if Path(path).suffix in chain.STAMPED and Path(path).exists()]


def check_file(file: str | Path, job: Job) -> dict[str, Any]:
    """The stamp of ``file``; ``UserError`` naming the first difference if it is not what ``job`` writes."""
    stamp = records.provenance(file)
    if found := difference(stamp, job):
        raise UserError(
            f"{file}: was made by other parameters ({found}); `snakemake {job.first}` makes it again,"
            " or restore the params.yaml that it belongs to"
        )
    return stamp


def difference(stamp: dict[str, Any], job: Job) -> str | None:
    """The first thing in which ``stamp`` is not what ``job`` writes, hashes of inputs left out; None if there is none.

    It reads ``settings.train.epochs: 60, params.yaml asks for 400``.
    """
    asked = {"stage": job.stage, "settings": json.loads(job.key), "inputs": dict.fromkeys(sorted(job.sources))}
    said = {**stamp, "inputs": dict.fromkeys(sorted(stamp.get("inputs", {})))}
    for kind in ("stage", "settings", "inputs"):
        for name, ours, theirs in _differences(asked[kind], said.get(kind), kind):
            return f"{name}: {_short(theirs)}, params.yaml asks for {_short(ours)}"
    return None


def state(job: Job) -> Path:
    """The folder of the resumable state of ``job``: by what it is made from, with which settings and by which code."""
    identity = json.dumps([job.stamp(), digest(*job.modules)], sort_keys=True)
    return Path(paths.STATE.format(digest=hashlib.sha256(identity.encode()).hexdigest()[:24]))


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
