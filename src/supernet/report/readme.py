"""The generated parts of README.md: tables and verdicts from the committed report files, and how fast the engine is."""

from pathlib import Path

from supernet import records
from supernet.errors import UserError
from supernet.report import ledger, speed

BENCH = "results/bench/bench.json"
CLAIMS = "results/*/report/*/claims.parquet"


def fragment(root: Path = Path()) -> str:
    """Markdown of every study that answers a paper: its methods' table and the paper's claims beside our numbers."""
    parts = []
    for path in sorted(root.glob(CLAIMS)):
        table = path.with_name("table.md")
        if not table.is_file():
            raise UserError(f"{table}: no such file; run the rule that makes it")
        page, _, _ = table.read_text().partition("\n## ")
        where = path.parent.relative_to(root)
        claims = records.read_table(path)
        links = f"Contrasts: [table.md]({where}/table.md). All claims: [claims.md]({where}/claims.md)."
        parts += [
            f"##{page.rstrip()}",
            f"{ledger.counted(claims)} {links}",
            "\n".join(ledger.answered(ledger.comparable(claims))),
        ]
    return "\n\n".join(parts)


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
