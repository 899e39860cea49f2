"""Resumable state of unfinished jobs: a folder with a lock and the last two good states.

The folder's name is a digest of the job's settings, inputs and code. A state carries that name and a checksum, so that
a damaged one, or one that was made by other parameters or other code, is refused and set aside, never continued.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from supernet import records
from supernet.errors import UserError

CURRENT, PREVIOUS, NEXT = "state.safetensors", "previous.safetensors", "next.safetensors"
LOCK = "lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder``, made if it is missing, for this process alone; ``UserError`` if another process has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a")  # what its holder has written into it stays
    except OSError as error:
        raise UserError(f"{folder}: cannot write ({error.strerror}); check the folder's permission and space") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system releases it when the process ends, however
        except BlockingIOError:
            raise UserError(f"{folder}: another process is running this job; wait for it, or stop it") from None
        except OSError as error:  # Lustre mounted without flock
            print(
                f"supernet: {folder}: this file system keeps no locks ({error.strerror}); see that no job runs twice",
                file=sys.stderr,
            )
        yield


def holds_something(folder: Path) -> bool:
    """Whether there is anything in ``folder`` to go on from."""
    return any(path.name != LOCK for path in folder.iterdir())


def save(folder: Path, tensors: Mapping[str, np.ndarray], progress: Mapping[str, Any]) -> None:
    """Save ``tensors`` and ``progress`` (JSON values); the state before it is kept as well.

    Raises ``UserError``, with both old states intact, if the disk is full.
    """
    where = {"job": folder.name, "sha256": _checksum(tensors), "progress": json.dumps(progress)}
    records.write_tensors(folder / NEXT, tensors, where)
    if (folder / CURRENT).exists():
        (folder / CURRENT).replace(folder / PREVIOUS)
    (folder / NEXT).replace(folder / CURRENT)


def load(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """The newest good state, or None; a state that is no good is set aside, with one line on standard error."""
    for path in (folder / CURRENT, folder / PREVIOUS):
        if not path.exists():
            continue
        try:
            where = records.provenance(path)
            tensors = records.read_tensors(path)
            if where.get("job") != folder.name:
                raise UserError(f"{path}: was made by other parameters or other code")
            if where["sha256"] != _checksum(tensors):
                raise UserError(f"{path}: its content has changed since it was written")
        except UserError as error:
            aside = path.with_name(f"{path.stem}.refused-{os.getpid()}")
            path.replace(aside)
            reason = str(error).split("; delete it")[0]
            print(f"supernet: {reason}; set aside as {aside.name}, going on without it", file=sys.stderr)
        else:
            return tensors, json.loads(where["progress"])
    return None


def _checksum(tensors: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).data)
    return digest.hexdigest()
