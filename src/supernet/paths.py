"""The path grammar of ``results/``: one template a kind of file, filled by ``str.format`` and by Snakemake alike.

``{set}`` names a set of architectures: ``evaluation`` · ``space`` (all) · ``landmarks/{landmarks}/s{seed}`` ·
``additions/{method}/s{seed}/i{iteration}`` · ``found/{method}/{searcher}/s{seed}``.
Iteration 0 is the warm-up of a run, iterations 1..T its regularised segments.
"""

import os
from pathlib import Path

from supernet.errors import UserError

DATA = "results/{scale}/data/{data}.safetensors"
TABLE = "results/{scale}/tables/{table}.parquet"
ARCHS = "results/{scale}/archs/{task}/{set}.parquet"
TRUTH = "results/{scale}/truth/{task}/{set}.parquet"
WEIGHTS = "results/{scale}/runs/{task}/{method}/s{seed}/i{iteration}/weights.safetensors"
LOG = "results/{scale}/logs/{task}/{method}/s{seed}/i{iteration}.jsonl"
SCORES = "results/{scale}/scores/{task}/{method}/{estimator}/s{seed}/i{iteration}.parquet"
SEARCH = "results/{scale}/searches/{task}/{method}/{searcher}/s{seed}/i{iteration}.parquet"
METRICS = "results/{scale}/metrics/{study}.parquet"
REPORT = "results/{scale}/report/{study}/{file}"
LEDGER = "results/{scale}/ledger/{claims}.parquet"
LEDGER_PAGE = "results/{scale}/ledger/{claims}.md"
CLAIMS = "workflow/claims/{claims}.yaml"
CLAIMS_SCHEMA = "workflow/schemas/claims.schema.yaml"
COSTS = "results/{scale}/costs/{job}.json"  # seconds, memory, hardware: never part of what must be bit-identical
COSTS_PAGE = "results/{scale}/costs/{study}.md"
QUALITY = "results/{scale}/costs/quality-{task}.{form}"
STATE = "results/.state/{digest}"  # resumable state of unfinished jobs, declared to nobody

EVALUATION = "evaluation"
SPACE = "space"
LANDMARKS = "landmarks/{landmarks}/s{seed}"
ADDITIONS = "additions/{method}/s{seed}/i{iteration}"
FOUND = "found/{method}/{searcher}/s{seed}"

MIRROR = "SUPERNET_MIRROR"
DOWNLOADS = Path("results/.downloads")  # what was fetched, or a release that the user put there


def costs(output: str) -> str:
    """Where the costs of the job lie whose first output is ``output``."""
    scale, rest = output.removeprefix("results/").split("/", 1)
    return COSTS.format(scale=scale, job=Path(rest).with_suffix(""))


def mirror() -> Path | None:
    """The folder that stands in for the official addresses, where the environment variable ``MIRROR`` names one.

    Raises ``UserError`` if it cannot be read: passed over in silence, a node without internet would try to download.
    """
    named = os.environ.get(MIRROR)
    if not named:
        return None
    if not (Path(named).is_dir() and os.access(named, os.R_OK | os.X_OK)):
        raise UserError(f"{MIRROR}={named}: no readable folder; name one that is, or unset it to download")
    return Path(named)
