"""Forest plots: a row a number, its name above it; methods beside each other, paired contrasts, claims beside ours."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from supernet.report.ledger import PERCENT
from supernet.report.looks import COLOURS
from supernet.report.quantities import Quantity, quantities
from supernet.report.rows import select
from supernet.report.site.plots import Plot, as_json, blank, records, rounded
from supernet.report.site.results import Ledger, Study
from supernet.report.summary import CONTRAST, FREE, METHOD

BLACK, OURS, THEIRS = COLOURS[0], COLOURS[2], COLOURS[1]
ROW = 40  # pixels of a row


def effects(study: Study) -> Plot:
    """The end of training: methods and references beside each other, and the paired contrasts."""
    choices = []
    for quantity in quantities(study.rows, study.settings):
        rows = select(study.table, quantity=quantity.title)
        left = [_entry(row, quantity, seeds=_seeds(study, row, quantity)) for row in records(rows, METHOD)]
        left += [_entry(row, quantity, symbol="square-open") for row in records(rows, FREE)]
        right = [_entry(row, quantity, symbol=_judged(row)) for row in records(rows, CONTRAST)]
        drawn = [as_json(forest(left, f"{quantity.title}, at the end of training"))]
        if study.settings["study"]["contrasts"]:
            drawn.append(as_json(forest(right, f"A − B, paired: {quantity.title}", zero=True)))
        if left:
            choices.append((quantity.title, drawn))
    caption = (
        "Methods: mean and interval, below it the seeds as dots; open squares need no super-net. A − B: paired"
        " differences on common random numbers; a diamond is filled where the interval excludes 0."
    )
    return Plot(f"effects-{study.name}", caption, "Shown", choices)


def claims(ledger: Ledger, rows: pd.DataFrame) -> Plot | None:
    """The gains that the paper claims beside ours, where ours say something: a panel a unit; ``rows`` of the ledger."""
    drawn = []
    for unit in ("1", PERCENT):
        entries, asked = [], select(rows, unit=unit, kind="contrast")
        title = f"gain in {', '.join(dict.fromkeys(asked['metric']))}"
        title += ", percentage points" if unit == PERCENT else ""
        factor, digits = (100, 2) if unit == PERCENT else (1, 3)
        for row in asked.to_dict("records"):
            label = f"{row['verdict']} (Table {row['table']}): {_short(row['method'], row['setting'])}"
            spread = 0 if pd.isna(row["spread"]) else row["spread"]
            published = {"value": row["value"], "low": row["value"] - spread, "high": row["value"] + spread}
            ours = {"value": row["our_value"], "low": row["our_low"], "high": row["our_high"]}
            as_one = Quantity("", {}, factor, digits)
            entries.append(
                {
                    **_entry({"label": label, **ours}, as_one, symbol=_judged(ours)),
                    "beside": {**_scaled(published, factor), "text": f"published: {row['value'] * factor:.{digits}f}"},
                }
            )
        if entries:
            drawn.append(as_json(forest(entries, title, zero=True)))
    caption = (
        "Published gains (orange open circles, ± the spread of independent runs where one is printed) and ours (blue"
        " diamonds with their intervals; filled where the interval excludes 0)."
    )
    return Plot(f"claims-{ledger.name}", caption, "", [("", drawn)]) if drawn else None


def _short(method: str, setting: str) -> str:
    """A contrast without what both sides share, and without the paper's defaults beside its baseline."""
    first, _, second = method.partition(" - ")
    named = [] if first == second else [method]
    if setting.startswith("default("):
        return method
    sides = [side.split(";") for side in setting.split(" - ")]
    shared = set.intersection(*map(set, sides)) if len(sides) > 1 else set()
    return ", ".join([*named, " - ".join(";".join(part for part in side if part not in shared) for side in sides)])


def forest(entries: Sequence[Mapping[str, Any]], title: str, zero: bool = False) -> go.Figure:
    """A row an entry, its name above it: ``value`` with interval, its ``seeds`` below, or a number ``beside``."""
    figure = blank(height=90 + ROW * len(entries), title=title)
    for i, entry in enumerate(entries):
        figure.add_annotation(
            text=entry["label"],
            x=0,
            xref="paper",
            y=i - 0.36,
            xanchor="left",
            showarrow=False,
            font={"size": 12},
            bgcolor="rgba(255,255,255,0.8)",
            borderpad=0,
        )
        figure.add_scatter(
            **_point(entry, i + 0.08, entry["symbol"], OURS if entry["symbol"] != "square-open" else "#000000"),
            showlegend=False,
        )
        if seeds := entry.get("seeds"):
            hover = {"hovertemplate": "seed %{text}: %{x}<extra></extra>", "text": [str(s) for s in seeds]}
            dots = {"mode": "markers", "marker": {"color": "#000000", "size": 5, "opacity": 0.5}, "showlegend": False}
            figure.add_scatter(x=list(seeds.values()), y=[i + 0.34] * len(seeds), **hover, **dots)
        if "beside" in entry:
            figure.add_scatter(**_point(entry["beside"], i + 0.34, "circle-open", THEIRS), showlegend=False)
    if zero:
        figure.add_vline(0, line={"color": "#000000", "width": 1})
    figure.update_layout(margin={"l": 12, "b": 30})
    figure.update_yaxes(range=[len(entries) - 0.4, -0.7], showticklabels=False, showgrid=False, zeroline=False)
    return figure


def _point(entry: Mapping[str, Any], y: float, symbol: str, colour: str) -> dict[str, Any]:
    point = {"x": [entry["value"]], "y": [y], "mode": "markers", "customdata": [entry["text"]]}
    point |= {
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"symbol": symbol, "size": 10, "color": colour},
    }
    if not pd.isna(entry["low"]):
        error = {"type": "data", "symmetric": False, "thickness": 2, "width": 0, "color": colour}
        sides = {
            "array": [rounded(entry["high"] - entry["value"])],
            "arrayminus": [rounded(entry["value"] - entry["low"])],
        }
        point["error_x"] = {**error, **sides}
    return point


def _entry(
    row: Mapping[str, Any], quantity: Quantity, symbol: str = "diamond", seeds: Mapping[int, float] | None = None
) -> dict[str, Any]:
    return {
        "label": row["label"],
        "text": f"{row['label']}<br>{quantity.cell(row)}",
        "symbol": symbol,
        "seeds": seeds,
        **_scaled(row, quantity.factor),
    }


def _scaled(row: Mapping[str, Any], factor: float) -> dict[str, float]:
    return {key: rounded(row[key] * factor) for key in ("value", "low", "high")}


def _judged(row: Mapping[str, Any]) -> str:
    return "diamond" if row["low"] > 0 or row["high"] < 0 else "diamond-open"


def _seeds(study: Study, row: Mapping[str, Any], quantity: Quantity) -> dict[int, float]:
    own = select(study.rows, method=row["label"], **quantity.where)
    own = own[own["seed"].notna()]
    last = own[own["epoch"] == own["epoch"].max()]
    return {
        int(seed): rounded(value * quantity.factor) for seed, value in zip(last["seed"], last["value"], strict=True)
    }
