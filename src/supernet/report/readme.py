"""The generated part of README.md: tables and verdicts from the committed report files."""

from pathlib import Path

from supernet import records
from supernet.errors import UserError
from supernet.report import ledger

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
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


def fill(text: str, content: str) -> str:
    """``text`` with ``content`` between its two markers; ``UserError`` where they do not stand there once, in order."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise UserError(f"README.md: expected one {BEGIN} and below it one {END}; put them where the table goes")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"
