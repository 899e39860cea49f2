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
    """Markdown of every ledger: the claims beside our numbers; after those of a scale the contrasts of its studies.

    The paper with the most numbers beside ours comes first, and its first study's figure stands for the scale.

    Raises ``UserError`` where there is none: what stands in the README stays.
    """
    by_scale: dict[str, list[Path]] = {}
    for path in sorted(root.glob(LEDGERS)):
        by_scale.setdefault(records.provenance(path)["settings"]["scale"], []).append(path)
    if not by_scale:
        raise UserError(f"{root / LEDGERS}: no such file; check it out of git, or make it: `make tables`")
    return "\n\n".join(part for scale, ledgers in by_scale.items() for part in _scale(root, scale, ledgers))


def _scale(root: Path, scale: str, ledgers: list[Path]) -> Iterator[str]:
    studies = []
    for path in sorted(ledgers, key=lambda path: -len(ledger.comparable(records.read_table(path)))):
        claims, whole = records.read_table(path), path.with_suffix(".md")
        yield f"### {_title(whole)}"
        link = f"All of them: [{whole.name}]({whole.relative_to(root)})."
        yield f"Scale `{scale}`. {ledger.counted(claims)} {link}"
        yield "\n".join(ledger.answered(ledger.comparable(claims)))
        studies += records.provenance(path)["settings"]["studies"]
    reports = {page.parent.name for page in root.glob(f"results/{scale}/report/*/table.md")}
    studies += sorted(reports - set(studies))
    yield f"### All studies, scale `{scale}`"
    yield "Paired differences; a title leads to the page of all numbers, and of how many intervals were made."
    yield "\n".join(_contrasts(root, scale, studies))
    figure = paths.REPORT.format(scale=scale, study=studies[0], file="effects.png")
    yield f"![{_title(root / figure.replace('effects.png', 'table.md'))}]({figure})"


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
        raise UserError(f"{path}: no such file; make it: `snakemake {path}`")
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
        raise UserError(f"expected one {first} and below it one {last}; put them where the table goes")
    return f"{before}{first}\n{content}\n{last}{after}"
