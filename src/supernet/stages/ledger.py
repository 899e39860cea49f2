"""The claims ledger of a paper."""

from pathlib import Path

import pandas as pd
import yaml

from supernet import chain, records
from supernet.errors import UserError
from supernet.job import Job
from supernet.report import ledger


def run(job: Job, state: Path) -> None:
    """Check the claims file, join it with the metrics of all its studies, write the ledger as Parquet and Markdown."""
    chain.verify(job.sources)
    path = job.inputs["claims"]
    try:
        claims, schema = (yaml.safe_load(Path(job.inputs[role]).read_text()) for role in ("claims", "schema"))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    ledger.check(claims, schema, path)
    rows = pd.concat([records.read_table(path) for path in job.inputs["metrics"]])
    table = ledger.join(claims, rows, job.settings)
    records.write_text(job.outputs["page"], ledger.markdown(table, claims["paper"], job.settings))
    records.write_table(job.outputs["ledger"], table, job.stamp())
