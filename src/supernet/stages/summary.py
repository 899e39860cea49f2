"""The table of a study."""

from pathlib import Path

from supernet import chain, records
from supernet.job import Job
from supernet.report import plain, summary


def run(job: Job, state: Path) -> None:
    """Write the rows that the table shows as Parquet, the page as Markdown, and what DVC compares as JSON."""
    chain.verify(job.sources)
    rows = records.read_table(job.inputs["metrics"])
    table = summary.summarise(rows, job.settings)
    records.write_text(job.outputs["page"], summary.markdown(table, rows, job.settings))
    records.write_json(job.outputs["numbers"], plain.numbers(table))
    records.write_json(job.outputs["curves"], plain.curves(rows, job.settings))
    records.write_table(job.outputs["table"], table, job.stamp())
