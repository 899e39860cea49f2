"""Tables on a terminal, whole ones in a pipe, and JSON."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

PIPE = 400  # columns of what is no terminal: lines are never folded there


def as_json(value: Any) -> None:
    """Print ``value`` as JSON; a number that is none (NaN) becomes null."""
    print(json.dumps(_plain(value), indent=1, ensure_ascii=False))


def table(rows: Sequence[Mapping[str, str]], title: str = "") -> None:
    """Print ``rows``, whose keys are the head; cells that look like numbers stand at the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if title:
        print(title)
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in rows[0] if rows else ():
        numbers = all(row[name][:1] in "0123456789-–~" for row in rows)
        grid.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        grid.add_row(*row.values())
    console = Console(width=None if sys.stdout.isatty() else PIPE, highlight=False, markup=False)
    with console.capture() as printed:
        console.print(grid)
    print("\n".join(line.rstrip() for line in printed.get().splitlines()))


def number(value: float) -> str:
    """Four digits behind the point, or four that count of what is smaller; large counts whole, with commas."""
    if abs(value) >= 1000 and float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) >= 0.01 or not value else f"{value:.4g}"


def percent(fraction: float | None, digits: int = 2) -> str:
    """``0.9412`` -> ``94.12``; a dash where there is none."""
    return "–" if fraction is None or math.isnan(fraction) else f"{100 * fraction:.{digits}f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):  # a number of numpy's
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
