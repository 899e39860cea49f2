"""The generated parts of README.md: tables and verdicts from the committed report files, and how fast the engine is."""

from pathlib import Path

from supernet import paths, records
from supernet.errors import UserError
from supernet.report import ledger, speed, summary

BENCH = "results/bench/bench.json"
LEDGERS = "results/*/ledger/*.parquet"


def fragment(root: Path = Path()) -> str:
    """Markdown of every ledger: the claims beside our numbers, then a figure and a link for each study of its scale."""
    parts = []
    for path in sorted(root.glob(LEDGERS)):
        settings = records.provenance(path)["settings"]
        claims, whole = records.read_table(path), path.with_suffix(".md")
        title, _, _ = _text(whole).partition("\n")
        link = f"All of them: [{whole.name}]({whole.relative_to(root)})."
        parts += [
            f"##{title}",
            f"Scale `{settings['scale']}`. {ledger.counted(claims)} {link}",
            "\n".join(ledger.answered(ledger.comparable(claims))),
        ]
        reports = {page.parent.name for page in root.glob(f"results/{settings['scale']}/report/*/table.md")}
        for study in [*settings["studies"], *sorted(reports - set(settings["studies"]))]:
            page, figure, numbers = (
                paths.REPORT.format(scale=settings["scale"], study=study, file=file)
                for file in ("table.md", "effects.png", "table.parquet")
            )
            title, _, _ = _text(root / page).partition("\n")
            parts += [
                f"###{title}",
                f"![{title.removeprefix('# ')}]({figure})",
                "\n".join(summary.excerpt(records.read_table(root / numbers))),
                f"All numbers, and how many intervals were made: [{page}]({page}).",
            ]
    return "\n\n".join(parts)


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
