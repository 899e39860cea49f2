"""Interactive figures, drawn by plotly from JSON: Okabe and Ito's colours, and a marker and dashes of its own a line.

A `Plot` has panels that stand side by side, or below each other on a phone, and is drawn once for every choice of its
menu.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from supernet import metrics
from supernet.report.figures import panels
from supernet.report.looks import COLOURS, look
from supernet.report.quantities import Quantity, main_score, quantities
from supernet.report.references import PARAMETERS
from supernet.report.rows import REFERENCE, select
from supernet.report.site.results import Study
from supernet.report.summary import FREE, METHOD

SYMBOLS = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross", "X": "x",
    "*": "star",
}  # fmt: skip
GREY, OURS = "#666666", COLOURS[2]
DODGE = 0.006  # of all epochs, between the intervals of one checkpoint

Figure = dict[str, Any]


@dataclass(frozen=True)
class Plot:
    """Figures by choice: ``choices`` has a label and a figure a panel. ``menu`` says what is chosen."""

    name: str
    caption: str
    menu: str
    choices: list[tuple[str, list[Figure]]]

    @property
    def compact(self) -> list[tuple[str, list[Figure]]]:
        """The choices, of which all but the first hold only what differs from it."""
        (label, first), *others = self.choices
        return [(label, first), *((o, [_changes(a, b) for a, b in zip(first, p, strict=True)]) for o, p in others)]


def looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour, symbol and dashes of every method, the same in all figures."""
    found = {}
    for i, name in enumerate(names):
        style = look(i)
        dash = "solid" if style["linestyle"] == "-" else "dash"
        found[name] = {"color": style["color"], "symbol": SYMBOLS[style["marker"]], "dash": dash}
    return found


def curves(study: Study, styles: Mapping[str, Mapping[str, str]]) -> Plot:
    """Rank quality over epochs: mean and t interval over seeds, a panel a way of training as in `figures.curves`."""
    choices = []
    for quantity in _of_ranking(study):
        rows = select(study.rows, seed=None, **quantity.where)
        bounds = [v for c in ("low", "high") for v in rows[c].dropna()] or [0.0, 1.0]
        extent = [min(bounds) - 0.02, max(bounds) + 0.02]
        drawn = []
        for title, names in panels(study.settings["methods"]).items():
            figure = blank(height=430, title=title)
            for i, name in enumerate(names):
                line = select(rows, method=name).sort_values("epoch")
                epochs, style = study.settings["methods"][name]["train"]["epochs"], styles[name]
                shift = DODGE * (i - (len(names) - 1) / 2) * epochs
                figure.add_scatter(
                    x=[rounded(e + shift) for e in line["epoch"]],
                    y=_numbers(line["value"]),
                    error_y=_error(line),
                    customdata=_texts(line, quantity),
                    hovertemplate="%{customdata}<extra>" + name + "</extra>",
                    name=name,
                    mode="lines+markers",
                    line={"color": style["color"], "dash": style["dash"], "width": 1.6},
                    marker={"symbol": style["symbol"], "size": 8},
                )
            taught = [study.settings["methods"][n]["train"]["warmup"] for n in names if _landmarks(study, n)]
            for start in dict.fromkeys(taught):
                figure.add_vline(start, line={"dash": "dot", "color": GREY, "width": 1})
            figure.update_xaxes(title="epoch")
            figure.update_yaxes(title=quantity.title, range=extent)
            drawn.append(as_json(figure))
        choices.append((quantity.title, drawn))
    caption = (
        "Means over seeds with Student's t intervals, moved sideways so that none hides another. Methods that share a"
        " warm-up coincide up to the dotted line, where regularisation starts."
    )
    return Plot(f"curves-{study.name}", caption, "Shown", choices)


def ranks(found: Sequence[Study]) -> Plot:
    """Rank by stand-alone accuracy against rank by super-net, a choice a method and seed; the page shows two beside."""
    choices, seen = [], set()
    several = len({study.settings["study"]["task"] for study in found}) > 1
    for study in found:
        task = study.settings["study"]["task"]
        for (method, seed), score in study.scores.items():
            if (task, method, seed) not in seen:
                seen.add((task, method, seed))
                label = f"{method}, seed {seed}" + (f", {task}" if several else "")
                choices.append((label, [as_json(_ranks(study, score, label))]))
    caption = (
        "Every point is one evaluation architecture, named when pointed at; rank 1 is the best, the diagonal a perfect"
        " ranking. Two choices stand beside each other."
    )
    return Plot("ranks", caption, "Method and seed", choices)


def _ranks(study: Study, score: pd.Series, title: str) -> go.Figure:
    truth, score = study.truth, score.loc[study.truth.index]
    tau = metrics.kendall_tau(truth, score)
    label = main_score(sorted(set(study.rows["estimator"].dropna()) - {REFERENCE}))
    figure = blank(height=430, title=f"{title}: Kendall tau = {tau:.3f}")
    figure.add_scatter(
        x=_numbers(truth.rank(ascending=False)),
        y=_numbers(score.rank(ascending=False)),
        text=[f"{arch}<br>stand-alone {100 * truth[arch]:.2f} %" for arch in truth.index],
        customdata=_numbers(score),
        hovertemplate="%{text}, score %{customdata}<br>ranks %{x} and %{y}<extra></extra>",
        mode="markers",
        marker={"color": OURS, "size": 7, "opacity": 0.75, "line": {"color": "white", "width": 0.5}},
        showlegend=False,
    )
    extent = [len(truth) + 4, -3]
    figure.add_shape(
        type="line", x0=1, y0=1, x1=len(truth), y1=len(truth), line={"color": GREY, "width": 1}, layer="below"
    )
    figure.update_xaxes(title=f"rank by stand-alone {study.settings['task']['score_truth']} accuracy", range=extent)
    figure.update_yaxes(title=f"rank by super-net ({label})", range=extent)
    return figure


def compute(
    found: Sequence[Study], hours: Mapping[str, Mapping[str, float]], styles: Mapping[str, Mapping[str, str]]
) -> Plot:
    """Rank quality against core-hours, of super-nets alone and with the stand-alone training of their landmarks.

    ``hours``: by method, ``supernet`` and ``landmarks`` (NaN without).
    """
    choices = []
    for quantity in _of_ranking(found[0]):
        figure, seen = blank(height=560), set()
        for study in found:
            table = select(study.table, quantity=quantity.title)
            for row in records(table, METHOD):
                name = row["label"]
                if name not in seen:
                    seen.add(name)
                    _costed(figure, row, quantity, hours[name], styles[name])
            if study is found[0]:
                counted = (r for r in records(table, FREE) if r["label"] == PARAMETERS and not pd.isna(r["value"]))
                for row in counted:
                    figure.add_hline(row["value"], line={"dash": "dash", "color": GREY, "width": 1})
                    text = {"text": "counted parameters, free", "showarrow": False, "xref": "paper", "x": 1}
                    figure.add_annotation(**text, y=row["value"], xanchor="right", yanchor="bottom")
        figure.update_xaxes(title="core-hours a run (logarithmic)", type="log")
        figure.update_yaxes(title=quantity.title)
        choices.append((quantity.title, [as_json(figure)]))
    caption = (
        "Filled: training and search of the super-net. Open, at the end of a dotted line: with the stand-alone training"
        " of its landmarks, measured or estimated as the costs of each study say. Intervals: Student's t over seeds."
    )
    return Plot("compute", caption, "Shown", choices)


def _costed(
    figure: go.Figure, row: Mapping[str, Any], quantity: Quantity, hours: Mapping[str, float], style: Mapping[str, str]
) -> None:
    own, more = hours["supernet"], hours["landmarks"]
    points = [own] if pd.isna(more) else [own, own + more]
    y, text = [rounded(row["value"] * quantity.factor)] * len(points), quantity.cell(row)
    what = ["super-net alone", "with its landmarks trained alone"]
    error = {"type": "data", "symmetric": False, "thickness": 1, "width": 3}
    for side, bound in (("array", row["high"] - row["value"]), ("arrayminus", row["value"] - row["low"])):
        error[side] = [rounded(bound * quantity.factor)] + [None] * (len(points) - 1)
    figure.add_scatter(
        x=[rounded(p) for p in points],
        y=y,
        error_y=error,
        name=row["label"],
        mode="lines+markers",
        line={"dash": "dot", "width": 1, "color": style["color"]},
        marker={
            "symbol": [style["symbol"], f"{style['symbol']}-open"][: len(points)],
            "size": 10,
            "color": style["color"],
        },
        customdata=[f"{text}<br>{what[i]}: {p:.3g} core-hours" for i, p in enumerate(points)],
        hovertemplate="%{customdata}<extra>" + row["label"] + "</extra>",
    )


def _of_ranking(study: Study) -> list[Quantity]:
    return [q for q in quantities(study.rows, study.settings) if "estimator" in q.where]


def _landmarks(study: Study, name: str) -> bool:
    return study.settings["methods"][name]["landmarks"] is not None


def records(rows: pd.DataFrame, part: str) -> Iterator[dict[str, Any]]:
    """The rows of one part of a study's table."""
    yield from select(rows, part=part).to_dict("records")


def _texts(line: pd.DataFrame, quantity: Quantity) -> list[str]:
    return [f"epoch {int(row['epoch'])}: {quantity.cell(row)}" for row in line.to_dict("records")]


def _error(line: pd.DataFrame) -> dict[str, Any]:
    up, down = (_numbers((line[a] - line[b]).astype(float)) for a, b in (("high", "value"), ("value", "low")))
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1, "width": 2}


def _changes(old: Any, new: Any) -> Any:
    """What makes ``new`` of ``old``: of dictionaries, and of lists of as many, the changed entries; else all of it."""
    if isinstance(old, dict) and isinstance(new, dict):
        changed = {key: _changes(old.get(key), value) for key, value in new.items() if old.get(key) != value}
        return {**changed, **dict.fromkeys(old.keys() - new.keys())}
    if isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        both = list(zip(old, new, strict=True))
        if all(isinstance(a, dict) and isinstance(b, dict) for a, b in both):
            return [_changes(a, b) for a, b in both]
    return new


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [rounded(value) for value in values]


def rounded(value: float) -> float | None:
    """Six digits, so that the last bits of a sum reach no page; None for NaN, which JSON has not."""
    return None if pd.isna(value) else float(f"{value:.6g}")


def blank(height: int, title: str | None = None) -> go.Figure:
    """A figure in the page's style, without traces."""
    figure = go.Figure(layout={"template": "none", "height": height, "autosize": True})
    figure.update_layout(
        title={"text": title, "font": {"size": 14}, "x": 0, "xref": "paper", "xanchor": "left"} if title else None,
        margin={"l": 58, "r": 12, "t": 40 if title else 14, "b": 50},
        font={"family": "system-ui, sans-serif", "size": 12},
        legend={"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom"},
        hoverlabel={"align": "left", "namelength": -1},
        dragmode=False,
    )
    figure.update_xaxes(gridcolor="#e4e4e4", zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor="#e4e4e4", zeroline=False, automargin=True)
    return figure


def as_json(figure: go.Figure) -> Figure:
    """The figure as plotly.js takes it."""
    return figure.to_plotly_json()
