"""Benchmark tables: one file per benchmark, each turning a raw release into one common Parquet schema.

The schema: one row per architecture, in the benchmark's official index order (row *i* is architecture *i*).

=====================================  =======  ====================================================================
column                                 type     meaning
=====================================  =======  ====================================================================
``arch``                               string   native string of the architecture, unique
``params``                             int64    trainable parameters (a count) of the CIFAR-10 network
``flops``                              float64  multiply-accumulates (a count) of the CIFAR-10 network on one image
``{dataset}_{valid|test}_{epochs}``    float64  accuracy as a fraction after training for ``epochs``; NaN where the
                                                release holds no training of that architecture
=====================================  =======  ====================================================================

``dataset`` is ``cifar10``, ``cifar100`` or ``imagenet16-120``; a benchmark has the accuracy columns that its release
covers, at least one. Which seeds a number averages differs by benchmark and route: see the benchmark's file.

A benchmark is a file of this folder that exports a keyword-only ``make(...)``, callable without arguments, which
returns a ``Converter``. Reading a table never imports torch.
"""

import importlib
import re
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from supernet import paths, records
from supernet.errors import UserError
from supernet.plugins import kinds

ACCURACY = re.compile(r"(cifar10|cifar100|imagenet16-120)_(valid|test)_\d+")


class Converter(Protocol):
    """Reads a raw release and returns the table in the common schema."""

    def __call__(self, mirror: Path | None, release: Path | None) -> pd.DataFrame:
        """Convert ``release`` (a public release the user supplies) if given, else the file of the ``mirror`` folder.

        Raises ``UserError`` when neither can be read as this benchmark; it never changes or removes either.
        """
        ...


def load(name: str, path: str | Path | None = None) -> pd.DataFrame:
    """The table of benchmark ``name`` in the common schema.

    ``path`` is a table that the pipeline wrote. Without it, the newest ``results/*/tables/{name}.parquet`` below the
    working directory is read; where there is none, the table is converted from the folder that ``SUPERNET_MIRROR``
    names. Raises ``UserError`` for an unknown name, a missing or damaged file, or a file in another schema.
    """
    if name not in kinds("tables"):
        raise UserError(f"table {name!r}: unknown benchmark; expected one of {', '.join(kinds('tables'))}")
    if path is None:
        made = Path().glob(f"results/*/tables/{name}.parquet")
        path = max(made, key=lambda file: file.stat().st_mtime, default=None)
    if path is not None:
        return check(records.read_table(path), str(path))
    if mirror := paths.mirror():
        return importlib.import_module(f"{__name__}.{name}").make()(mirror=mirror, release=None)
    target = f"results/reduced/tables/{name}.parquet"
    raise UserError(
        f"table {name!r}: no results/*/tables/{name}.parquet here; run `snakemake {target}` or set {paths.MIRROR}"
    )


def mirrored(path: Path, sha256: str, official: str) -> pd.DataFrame:
    """The file of a mirror folder; ``UserError`` if it is missing or another one. ``official``: what is as good."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; point {paths.MIRROR} at a folder that holds it, or get {official}")
    if (found := records.sha256(path)) != sha256:
        raise UserError(f"{path}: sha256 is {found}, expected {sha256}; replace the file (it was left as it is)")
    return records.read_table(path)


def expect(rows: int, found: int, source: Path) -> None:
    """``UserError`` unless a source holds as many architectures as its benchmark has."""
    if found != rows:
        raise UserError(f"{source}: holds {found} architectures, expected {rows}; get the complete benchmark")


def decimal(column: pd.Series) -> np.ndarray:
    """Published decimals from the float32 that stands for them.

    float32 holds 91.18 % as 91.18000031: the shortest decimal that names the same float32 is the published number.
    """
    return np.array([float(str(value)) for value in column.to_numpy()])


def check(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return ``table`` unchanged if it obeys the common schema; otherwise ``UserError`` that names ``source``."""

    def refuse(what: str) -> UserError:
        return UserError(
            f"{source}: not a benchmark table, {what}; expected the schema of supernet.tables, make it again"
        )

    accuracies = [column for column in table.columns if ACCURACY.fullmatch(column)]
    if missing := {"arch", "params", "flops"} - set(table.columns):
        raise refuse(f"no column {', '.join(sorted(missing))}")
    if not accuracies:
        raise refuse("no accuracy column such as cifar10_test_200")
    if table["arch"].duplicated().any():
        raise refuse(f"architecture {table['arch'][table['arch'].duplicated()].iloc[0]} occurs twice")
    for column in accuracies:
        values = table[column].dropna()
        if values.empty:
            raise refuse(f"column {column} holds no value")
        if not values.between(0, 1).all():
            raise refuse(f"column {column} is not a fraction between 0 and 1")
    return table
