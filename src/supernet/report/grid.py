"""Markdown grids of a study's table: a line a label, a column a quantity."""

from collections.abc import Sequence

import pandas as pd

from supernet.report.quantities import DASH, Quantity
from supernet.report.rows import select


def grid(head: str, columns: Sequence[Quantity], table: pd.DataFrame, bold: bool) -> list[str]:
    """``table``: of `supernet.report.summary.summarise`; ``bold``: whether intervals that exclude 0 are."""
    lines = [f"| {head} | " + " | ".join(c.title for c in columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for label in dict.fromkeys(table["label"]):
        own = {row["quantity"]: row for _, row in select(table, label=label).iterrows()}
        cells = [c.cell(own[c.title], bold) if c.title in own else DASH for c in columns]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines


def section(
    title: str, caption: str, head: str, columns: Sequence[Quantity], rows: pd.DataFrame, bold: bool
) -> list[str]:
    """A grid under a heading of its own; nothing where the study did not ask."""
    return ["", f"## {title}", "", caption, "", *grid(head, columns, rows, bold)] if len(rows) else []


def shown(columns: Sequence[Quantity], table: pd.DataFrame) -> list[Quantity]:
    """The columns that ``table`` has something in."""
    return [column for column in columns if column.title in set(table["quantity"])]


def having(columns: Sequence[Quantity], table: pd.DataFrame) -> pd.DataFrame:
    """The rows that ``columns`` show."""
    return table[table["quantity"].isin([column.title for column in columns])]
