"""The claims ledger of a paper."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from supernet import arch as archs
from supernet import chain, records, spaces
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
    facts = {claim["id"]: _fact(claim, path) for claim in claims["claims"] if "fact" in claim}
    table = ledger.join(claims, rows, job.settings, facts)
    records.write_text(job.outputs["page"], ledger.markdown(table, claims["paper"], job.settings))
    records.write_table(job.outputs["ledger"], table, job.stamp())


def _fact(claim: dict[str, Any], path: str) -> int:
    """What the claim counts; ``UserError`` where there is nothing of it."""
    try:
        if found := _counted(**claim["fact"]):
            return found
    except (TypeError, LookupError):
        pass
    raise UserError(f"{path}: {claim['id']}: fact: no super-net has that; correct its net, count or of")


def _counted(net: dict[str, Any], count: str, of: list[str] | None = None) -> int:
    """Parameters of a super-net for ten classes or of a part of it, or the sets of weights of operations ``of`` a cell;
    or the architectures of its space, or the benchmark's isomorphism classes of them.

    ``net``: the name of its space, and arguments of its ``build``. Blocks stand one after another between stem and
    head; a choice has its operations in all of them.
    """
    space = spaces.load(net["space"])
    if count == "architectures":
        return archs.size(space.choices)
    if count == "classes":
        return len({space.canonical(arch, "nasbench201") for arch in archs.enumerate_archs(space.choices)})
    built = space.build(classes=10, **{k: v for k, v in net.items() if k != "space"})
    if count == "sets":
        choices, sizes = enumerate(space.choices), [len(choice.options) for choice in space.choices]
        kinds = ((i, o) for i, choice in choices for o, name in enumerate(choice.options) if name in (of or ()))
        return len({key for i, o in kinds for key in built.sharing.keys(i, o, sizes)})
    what, _, number = count.removeprefix("parameters of ").partition(" ")
    if what == "choice":
        return sum(p.numel() for name, p in built.named_parameters() if f".ops.{number}_" in name)
    parts = {"parameters": built, "stem": built.stem, "head": built.head}
    part = built.body[int(number)] if what == "block" else parts[what]
    return sum(p.numel() for p in part.parameters())
