"""The only writer of files. Every file appears whole or not at all, in an open format, with its provenance.

Provenance is one JSON object ``{"stage", "settings", "inputs": {path: sha256}}``. It lies in the metadata of Parquet
and safetensors files under the single key ``supernet`` (one key: safetensors orders several at random) and holds
neither time nor host, so that equal parameters give equal bits.
"""

import contextlib
import functools
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from supernet.errors import UserError

KEY = "supernet"


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; rename it to ``path`` on success, remove it on failure."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise UserError(f"{path}: cannot write ({error.strerror}); check the folder's permission and space") from None
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot write ({error.strerror or error}); free some space and run again") from None
    finally:
        temporary.unlink(missing_ok=True)


@functools.cache
def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends, atomically."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as sorted, indented JSON, atomically."""
    write_text(path, json.dumps(value, sort_keys=True, indent=1) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; ``UserError`` if it is missing or not JSON."""
    try:
        return json.loads(_existing(path).read_text())
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}); delete it and run its rule again") from None


def seconds(path: str | Path) -> float:
    """The wall-clock time in a file of costs; ``UserError`` if it is missing or holds none."""
    return _spent(path, read_json(path), "seconds")


def core_seconds(path: str | Path) -> float:
    """How long a core, or else an accelerator, was busy, by a file of costs; ``UserError`` if it says none.

    CPU time does not grow where other jobs share the machine, or where it sleeps. With an accelerator it says nothing,
    and wall-clock time is taken.
    """
    found = read_json(path)
    key = "seconds" if isinstance(found, dict) and found.get("accelerator") else "cpu_seconds"
    return _spent(path, found, key)


def _spent(path: str | Path, found: Any, key: str) -> float:
    spent = found.get(key) if isinstance(found, dict) else None
    if not (isinstance(spent, int | float) and math.isfinite(spent)):
        raise UserError(f"{path}: says no {key}, so it was not written by supernet; delete it and run its rule again")
    return spent


def write_lines(path: str | Path, rows: list[dict[str, Any]]) -> None:
    """Write ``rows`` as JSON lines, atomically."""
    write_text(path, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))


def read_lines(path: str | Path) -> list[dict[str, Any]]:
    """Read JSON lines; ``UserError`` if the file is missing or a line is not JSON."""
    try:
        return [json.loads(line) for line in _existing(path).read_text().splitlines()]
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON lines ({error}); delete it and run its rule again") from None


def write_table(path: str | Path, table: pd.DataFrame, provenance: Mapping[str, Any]) -> None:
    """Write ``table`` as Parquet without its index; equal content gives equal bytes under one pyarrow version."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({KEY: json.dumps(provenance, sort_keys=True)})
    with atomic(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a Parquet table; ``UserError`` if it is missing, truncated or no Parquet."""
    try:
        return pq.read_table(_existing(path)).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, "Parquet", error) from None


def write_tensors(path: str | Path, tensors: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
    """Write numpy arrays or torch tensors (CPU, contiguous) as safetensors."""
    metadata = {KEY: json.dumps(provenance, sort_keys=True)}
    arrays = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    import safetensors
    from safetensors.numpy import save_file

    with atomic(path) as temporary:
        try:
            save_file(arrays, temporary, metadata=metadata)
        except safetensors.SafetensorError as error:  # a full disk, in its own words
            raise OSError(str(error).split("I/O error: ")[-1]) from None


def read_tensors(path: str | Path, prefix: str = "") -> dict[str, np.ndarray]:
    """Read the tensors whose names start with ``prefix``, which is cut off, as numpy arrays.

    Raises ``UserError`` if the file is missing or damaged, or if no name starts with ``prefix``.
    """
    import safetensors

    try:
        with safetensors.safe_open(_existing(path), framework="numpy") as file:
            found = {k.removeprefix(prefix): file.get_tensor(k) for k in file.keys() if k.startswith(prefix)}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise _damaged(path, "safetensors", error) from None
    if not found:
        raise UserError(f"{path}: holds no tensor named {prefix}*; delete it and run its rule again")
    return found


def provenance(path: str | Path) -> dict[str, Any]:
    """The provenance that a Parquet or safetensors file carries; ``UserError`` if it carries none."""
    path = _existing(path)
    try:
        if path.suffix == ".parquet":
            stored = (pq.read_schema(path).metadata or {}).get(KEY.encode())
        else:
            import safetensors

            with safetensors.safe_open(path, framework="numpy") as file:
                stored = (file.metadata() or {}).get(KEY)
        found = stored if stored is None else json.loads(stored)
    except Exception as error:  # pyarrow and safetensors raise types of their own for damaged files
        raise _damaged(path, path.suffix.lstrip("."), error) from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: carries no provenance, so it was not written by supernet")
    return found


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with _existing(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(stage: str, settings: Mapping[str, Any], inputs: list[str | Path]) -> dict[str, Any]:
    """The provenance of an output: which ``stage``, with which ``settings``, from which ``inputs``."""
    return {"stage": stage, "settings": settings, "inputs": {str(p): sha256(p) for p in sorted(map(str, inputs))}}


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it: `snakemake {path}`")
    return path


def _damaged(path: str | Path, kind: str, error: Exception) -> UserError:
    reason = str(error).splitlines()[0]
    return UserError(f"{path}: not a readable {kind} file ({reason}); delete it and run its rule again")
