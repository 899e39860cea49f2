"""Tables of the site, from the Markdown of the report files; a number is tied to the row of metrics that it shows."""

import base64
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markdown_it import MarkdownIt

from supernet.errors import UserError
from supernet.report.ledger import (
    FAILS,
    HOLDS,
    NOT_ATTEMPTED,
    NOT_REPRODUCED,
    OTHER_SCALE,
    PRINTED,
    REPRODUCED,
    UNDECIDED,
    VERDICTS,
    printed_in,
)
from supernet.report.site.results import Ledger, Study

# The columns of all numbers, in order; a row of the metrics is known by all of them but its values.
KEYS = (
    "study", "method", "metric", "definition", "resolution", "estimator", "searcher", "truth", "epoch", "iteration",
)  # fmt: skip
COLUMNS = (*KEYS[:3], "value", "low", "high", "sampled", "n", *KEYS[3:])
SIGNS = {
    REPRODUCED: "✓", NOT_REPRODUCED: "✗", HOLDS: "▲", FAILS: "▼", UNDECIDED: "◇", OTHER_SCALE: "○", NOT_ATTEMPTED: "–",
}  # fmt: skip
READINGS = ("is-it-the-ranking", "paper-or-code", "which-estimator")  # what docs/ says of the results, in prose
MARKDOWN = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class Block:
    """A heading or paragraph (``html``), or a table: ``head``, and ``body`` of cells."""

    html: str = ""
    head: Sequence[str] = ()
    body: Sequence[Sequence["Cell"]] = ()


@dataclass(frozen=True)
class Cell:
    """What a cell shows, as HTML; what it is sorted by; the number of its row in `numbers`, where it has one."""

    html: str
    order: float | str
    row: int | None = None


class Numbers:
    """All numbers over seeds of some studies: what the table of numbers holds, and where a cell finds its row."""

    def __init__(self, studies: Sequence[Study]) -> None:
        whole = [study.rows[study.rows["seed"].isna()] for study in studies]
        self.table = pd.concat(whole, ignore_index=True)
        self._row = {key: i for i, key in enumerate(self._keys(self.table))}

    @staticmethod
    def _keys(table: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
        columns = [table[c].astype(object).where(table[c].notna(), None) for c in KEYS]
        yield from zip(*columns, strict=True)

    def rows_of(self, table: pd.DataFrame) -> list[int]:
        """The number of each row of ``table``, which holds rows of the metrics."""
        return [self._row[key] for key in self._keys(table)]

    def find(self, **where: Any) -> int | None:
        """The last row that equals ``where``, which is the one at the end of training."""
        found = self.table
        for column, value in where.items():
            found = found[found[column].isna() if pd.isna(value) else (found[column] == value).fillna(False)]
        return None if found.empty else int(found.index[-1])

    def as_lists(self) -> list[list[Any]]:
        """A list a row, of `COLUMNS`; six digits."""
        columns = [self.table[c].astype(object).where(self.table[c].notna(), None) for c in COLUMNS]
        return [[_short(value) for value in row] for row in zip(*columns, strict=True)]


def study_blocks(study: Study, numbers: Numbers) -> list[Block]:
    """The study's page; its title and closing command are left to the template."""
    rows = dict(
        zip(zip(study.table["label"], study.table["quantity"], strict=True), numbers.rows_of(study.table), strict=True)
    )
    found = list(blocks(study.page, rows))
    return found[1:-1]


def readings(scale: str, folder: Path = Path("docs")) -> Iterator[tuple[str, str, list[Block]]]:
    """``(name, title, blocks)`` of the pages of `READINGS` that have numbers of ``scale``.

    Pictures, which are PNG, become part of the page; the targets of links stay behind.
    """
    for path in (folder / f"{name}.md" for name in READINGS):
        if not path.is_file() or f"<!--= {scale}/" not in (text := path.read_text()):
            continue
        for pattern, kept in ((r"<!--.*?-->", ""), (r"(?<!!)\[([^]]*)\]\([^)]*\)", r"\1")):
            text = re.sub(pattern, kept, text, flags=re.DOTALL)
        text = re.sub(r"(!\[[^]]*\])\(([^)]*)\)", lambda picture: _inside(picture, folder), text)
        title, _, rest = text.partition("\n")
        yield path.stem, title.removeprefix("# "), list(blocks(re.sub(r"\n{3,}", "\n\n", rest), {}))


def _inside(picture: re.Match[str], folder: Path) -> str:
    path = folder / picture[2]
    if not path.is_file():
        raise UserError(f"{path}: no such file, which a page of {folder} shows")
    return f"{picture[1]}(data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()})"


def cost_blocks(study: Study) -> list[Block]:
    """The study's page of costs without its title."""
    return list(blocks(study.costs, {}))[1:]


def hours(study: Study) -> dict[str, dict[str, float]]:
    """Core-hours of a run by method, as the page of costs prints them: ``supernet`` and ``landmarks``."""
    (table,) = (block for block in blocks(study.costs, {}) if block.head)
    found = {}
    for name, training, search, _, _, landmarks in table.body:
        own = float(training.order) + float(search.order)
        alone = float("nan") if landmarks.order == "" else float(landmarks.order)
        found[name.html] = {"supernet": own, "landmarks": alone}
    return found


def blocks(text: str, rows: Mapping[tuple[str, str], int]) -> Iterator[Block]:
    """The headings, paragraphs and tables of a page that this project writes; ``rows``: numbers by label and column."""
    for part in text.strip().split("\n\n"):
        lines = part.splitlines()
        if lines[0].startswith("| "):
            head, body = _cells(lines[0]), [_cells(line) for line in lines[2:]]
            yield Block(
                head=head,
                body=[[_cell(c, rows.get((line[0], h))) for h, c in zip(head, line, strict=True)] for line in body],
            )
        else:
            yield Block(
                html=MARKDOWN.render(
                    part.replace("\n## ", "\n### ").replace("## ", "### ", 1) if part.startswith("## ") else part
                )
            )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def _cell(text: str, row: int | None) -> Cell:
    shown = MARKDOWN.renderInline(text)
    plain = text.strip("*").split(" [")[0].split(" ×")[0].replace(",", "")
    try:
        return Cell(shown, float(plain), row)
    except ValueError:
        return Cell(shown, "" if plain in ("–", "") else plain, row)


def ledger_block(ledger: Ledger, numbers: Numbers) -> Block:
    """Every entry of a ledger, those with a number of ours first."""
    order = {name: i for i, name in enumerate(VERDICTS)}
    table = ledger.table.assign(order=ledger.table["verdict"].map(order)).sort_values(["order", "kind"], kind="stable")
    head = ["verdict", "table", "claim", "metric", "published", "ours", "n", "space", "remarks"]
    return Block(head=head, body=[_claim(row, numbers) for row in table.to_dict("records")])


def _claim(row: Mapping[str, Any], numbers: Numbers) -> list[Cell]:
    factor, digits = PRINTED.get(row["unit"], (1, 3))
    unit = " %" if row["unit"] == "%" else ""
    value, spread, own, low, high = (
        "" if pd.isna(row[k]) else f"{row[k] * factor:.{digits}f}"
        for k in ("value", "spread", "our_value", "our_low", "our_high")
    )
    published = f"{value} ± {spread}{unit}" if spread else f"{value}{unit}"
    ours, place = "", None
    if own:
        ours = (f"{own} [{low}, {high}]" if low else own) + unit
        counted = pd.isna(row["study"])
        same = {key: row[f"our_{key}"] for key in ("method", "metric", "definition", "resolution", "value")}
        place = None if counted else numbers.find(study=row["study"], truth=row["truth"], **same)
    remarks = "; ".join(row[k] for k in ("reason", "note") if not pd.isna(row[k]))
    definition = html.escape(row["definition"])
    claim = f"{row['method']} ({row['setting']})"
    return [
        Cell(verdict(row["verdict"]), row["order"]),
        Cell(printed_in(row["table"]), row["table"]),
        Cell(html.escape(claim).replace(";", ";<wbr>"), claim),
        Cell(f'<span title="{definition}">{html.escape(row["metric"])}</span>', row["metric"]),
        Cell(published, _short(row["value"])),
        Cell(ours, "" if pd.isna(row["our_value"]) else _short(row["our_value"]), place),
        Cell("", "") if pd.isna(row["our_n"]) else Cell(f"{row['our_n']:.0f}", row["our_n"]),
        _text(f"{row['space']}, {row['dataset']}"),
        _text(remarks),
    ]


def _text(text: str) -> Cell:
    return Cell(html.escape(text), text)


def verdict(name: str) -> str:
    """A verdict as HTML: sign and words, so that colour adds nothing."""
    return f'<span class="verdict {name.replace(" ", "-")}"><span aria-hidden="true">{SIGNS[name]}</span> {name}</span>'


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
