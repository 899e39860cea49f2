"""The page itself: everything that it needs stands in it."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from supernet import paths, records
from supernet.config import Config
from supernet.job import Job
from supernet.report.ledger import VERDICTS, comparable, counted
from supernet.report.site import forest, graph, pages, plots, results
from supernet.report.site.results import Ledger, Study

CITATION = Path("CITATION.cff")


def build(config: Config, scale: str, jobs: Sequence[Job]) -> str:
    """The HTML of all studies of ``scale``; ``jobs`` are all those that they rest on.

    Raises ``UserError`` where a file is missing or belongs to other params; see `results`.
    """
    studies, ledgers = results.studies(config, scale), results.ledgers(config, scale)
    numbers = pages.Numbers(studies)
    names = dict.fromkeys(name for study in studies for name in study.settings["methods"])
    styles = plots.looks(names)
    rules = graph.rules(jobs)
    hours = {name: each for study in reversed(studies) for name, each in pages.hours(study).items()}
    ranks = plots.ranks(studies)
    environment = Environment(
        loader=PackageLoader("supernet.report.site", "."),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script"] = script
    template = environment.get_template("page.html.j2")
    return template.render(
        scale=scale,
        citation=yaml.safe_load(CITATION.read_text()) if CITATION.is_file() else None,
        ledgers=[_ledger(ledger, numbers) for ledger in ledgers],
        studies=[_study(study, scale, numbers, styles) for study in studies],
        readings=list(pages.readings(scale)),
        ranks=ranks,
        beside=beside(studies[0], ranks),
        compute=plots.compute(studies, hours, styles),
        columns=pages.COLUMNS,
        numbers={
            "columns": pages.COLUMNS,
            "rows": numbers.as_lists(),
            "scale": scale,
            "files": {study.name: _files(scale, study) for study in studies},
        },
        rules=rules,
        drawing=graph.draw(rules),
        box=graph.BOX,
        verdicts=[(name, pages.verdict(name)) for name in VERDICTS],
        **_libraries(),
    )


def beside(study: Study, ranks: plots.Plot) -> int:
    """The choice of ranks to show beside the first: the method of the study's first contrast."""
    contrasts, labels = study.settings["study"]["contrasts"], [label for label, _ in ranks.choices]
    if not contrasts:
        return len(labels) - 1
    wanted = f"{contrasts[0][0].partition('@')[0]}, seed {study.settings['seeds'][0]}"
    task = study.settings["study"]["task"]  # names a choice where there are several
    return next(i for i, label in enumerate(labels) if label in (wanted, f"{wanted}, {task}"))


def script(value: Any) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _ledger(ledger: Ledger, numbers: pages.Numbers) -> dict[str, Any]:
    rows = comparable(ledger.table)
    answered = int((ledger.table["verdict"] != pages.NOT_ATTEMPTED).sum())
    return {
        "name": ledger.name,
        "title": ledger.title,
        "command": ledger.command,
        "counted": counted(ledger.table),
        "counts": [(name, n) for name in VERDICTS if (n := int((ledger.table["verdict"] == name).sum()))],
        "answered": answered,
        "table": pages.ledger_block(ledger, numbers),
        "plot": forest.claims(ledger, rows),
    }


def _study(study: Study, scale: str, numbers: pages.Numbers, styles: Any) -> dict[str, Any]:
    return {
        "name": study.name,
        "title": study.settings["study"]["title"],
        "command": study.command,
        "costs_command": f"supernet costs --scale {scale} --study {study.name}",
        "blocks": pages.study_blocks(study, numbers),
        "costs": pages.cost_blocks(study),
        "effects": forest.effects(study),
        "curves": plots.curves(study, styles),
        "settings": yaml.safe_dump(study.settings, sort_keys=True, width=100),
        "inputs": sorted(study.inputs.items()),
        "files": _files(scale, study),
    }


def _files(scale: str, study: Study) -> dict[str, str]:
    metrics = paths.METRICS.format(scale=scale, study=study.name)
    return {"metrics": metrics, "sha256": records.sha256(metrics), "command": study.command}


def _libraries() -> dict[str, Any]:
    """What draws: plotly.js, DataTables as itables ships it, and the page's own style and script."""
    import itables
    import plotly.offline

    bundle, here = Path(itables.__file__).parent / "html" / "dt_bundle.js", Path(__file__).parent
    return {
        "plotly": plotly.offline.get_plotlyjs(),
        "datatables": base64.b64encode(bundle.read_bytes()).decode(),
        "datatables_css": bundle.with_suffix(".css").read_text(),
        "css": (here / "style.css").read_text(),
        "js": (here / "page.js").read_text(),
    }
