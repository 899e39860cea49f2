"""Numbers inside prose: what stands between two comments of a Markdown page is written from the report files.

``<!--= reduced/STUDY; LABEL; QUANTITY -->0.055 [-0.010, 0.120]<!--.-->`` is a cell of the study's table, and
``<!--? reduced/STUDY; LABEL; QUANTITY; above; below; unclear -->above<!--.-->`` is the first word if its interval
lies above 0, the second if below, else the third, as `rows.side` has it: a sentence says no more than its interval.
``<!--# reduced/STUDY -->5 seeds, `snakemake reduced_study_STUDY`<!--.-->`` is how many seeds a study has, and how it is
made again. The comments are invisible wherever Markdown is read.
"""

import functools
import re
from pathlib import Path

import pandas as pd

from supernet import paths, records
from supernet.errors import UserError
from supernet.report.quantities import Quantity
from supernet.report.rows import select, side

MARKED = re.compile(r"(<!--(?P<kind>[=?#]) (?P<what>(?:(?!-->).)*?) -->).*?(<!--\.-->)", re.DOTALL)

EXPECTED = {"=": ("LABEL", "QUANTITY"), "?": ("LABEL", "QUANTITY", "ABOVE", "BELOW", "UNCLEAR"), "#": ()}


def fill(text: str, root: Path = Path()) -> str:
    """``text`` with every marked number and word as the files below ``root`` have it.

    Raises ``UserError`` where there is no such file, label or quantity.
    """
    return MARKED.sub(lambda found: found[1] + _written(found["kind"], found["what"], root) + found[4], text)


def _written(kind: str, what: str, root: Path) -> str:
    where, *rest = (part.strip() for part in what.split("; "))
    if len(rest) != len(EXPECTED[kind]):
        raise UserError(f"<!--{kind} {what} -->: expected {'; '.join(['SCALE/STUDY', *EXPECTED[kind]])}")
    scale, _, study = where.partition("/")
    path = root / paths.REPORT.format(scale=scale, study=study, file="table.parquet")
    table = _table(path)
    if kind == "#":
        seeds = len(records.provenance(path)["settings"]["seeds"])
        return f"{seeds} seed{'s' * (seeds > 1)}, `snakemake {scale}_study_{study}`"
    label, title, *words = rest
    found = select(table, label=label, quantity=title)
    if len(found) != 1:
        raise UserError(f"<!--{kind} {what} -->: the table of {where} has {len(found)} such numbers, expected one")
    row = found.iloc[0]
    if kind == "?":
        return words[{1: 0, -1: 1, 0: 2}[side(row)]]
    return (Quantity(title, {}, 100, 2) if ", %" in title else Quantity(title, {})).cell(row)


@functools.cache
def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it: `snakemake {path}`")
    return records.read_table(path)
