"""The claims ledger of a study's paper."""

from pathlib import Path

import yaml

from supernet import records
from supernet.errors import UserError
from supernet.job import Job
from supernet.report import chain, ledger


def run(job: Job, state: Path) -> None:
    """Check the claims file, join it with our metrics, write the ledger as Parquet and Markdown."""
    chain.verify(job.sources)
    path = job.inputs["claims"]
    try:
        claims, schema = (yaml.safe_load(Path(job.inputs[role]).read_text()) for role in ("claims", "schema"))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    ledger.check(claims, schema, path)
    where = {"study": job.settings["name"], "scale": job.settings["scale"]}
    table = ledger.join(claims, records.read_table(job.inputs["metrics"]), **where)
    records.write_text(job.outputs["page"], ledger.markdown(table, claims["paper"], **where))
    records.write_table(job.outputs["claims"], table, job.stamp())
