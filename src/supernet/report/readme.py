"""The generated parts of README.md: tables and verdicts from the committed report files, and how fast the engine is."""

import functools
from collections.abc import Iterator
from pathlib import Path

from supernet import paths, records
from supernet.errors import UserError
from supernet.report import ledger, speed, summary

BENCH = "results/bench/bench.json"
LEDGERS = "results/*/ledger/*.parquet"


def fragment(root: Path = Path()) -> str:
    """Markdown of every ledger: the claims beside our numbers, then the contrasts of all studies of its scale."""
    parts = []
    for path in sorted(root.glob(LEDGERS)):
        settings = records.provenance(path)["settings"]
        claims, whole = records.read_table(path), path.with_suffix(".md")
        link = f"All of them: [{whole.name}]({whole.relative_to(root)})."
        reports = {page.parent.name for page in root.glob(f"results/{settings['scale']}/report/*/table.md")}
        studies = [*settings["studies"], *sorted(reports - set(settings["studies"]))]
        parts += [
            f"### {_title(whole)}",
            f"Scale `{settings['scale']}`. {ledger.counted(claims)} {link}",
            "\n".join(ledger.answered(ledger.comparable(claims))),
            "#### All studies",
            "Paired differences; a title leads to the page of all numbers, and of how many intervals were made.",
            "\n".join(_contrasts(root, settings["scale"], studies)),
        ]
        figure = paths.REPORT.format(scale=settings["scale"], study=studies[0], file="effects.png")
        parts.append(f"![{_title(root / figure.replace('effects.png', 'table.md'))}]({figure})")
    return "\n\n".join(parts)


def _contrasts(root: Path, scale: str, studies: list[str]) -> Iterator[str]:
    """A table with a line for each study's title, begun anew where a study has other columns."""
    before: list[str] = []
    for study in studies:
        report = functools.partial(paths.REPORT.format, scale=scale, study=study)
        page, numbers = report(file="table.md"), report(file="table.parquet")
        title = _title(root / page)
        grid = summary.excerpt(records.read_table(root / numbers))
        head, body = grid[:2] or before or ["| A - B |", "|---|"], grid[2:]
        if head != before:
            yield from ["", *head] if before else head
        before = head
        yield f"| **[{title}]({page})** |" + " |" * (head[0].count("|") - 2)
        yield from body


def _title(page: Path) -> str:
    return _text(page).partition("\n")[0].removeprefix("# ")


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"{path}: no such file; run the rule that makes it")
    return path.read_text()


def speeds(root: Path = Path()) -> str:
    """Markdown of the benchmark's ratios."""
    path = root / BENCH
    return speed.excerpt(records.read_json(path)) if path.is_file() else "None yet: `make bench` measures them."


def fill(text: str, name: str, content: str) -> str:
    """``text`` with ``content`` between the two markers of ``name``; ``UserError`` unless they stand there once."""
    first, last = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in after or last in after:
        raise UserError(f"README.md: expected one {first} and below it one {last}; put them where the table goes")
    return f"{before}{first}\n{content}\n{last}{after}"
