"""Figures of a study, drawn with matplotlib: equal numbers give equal bytes under one version of it."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from supernet import metrics
from supernet.report.rows import REFERENCE, select
from supernet.report.summary import main_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind readers; the markers tell the lines apart in grey.
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WARM_UP = "#777777"
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.alpha": 0.3,
    "savefig.dpi": 150,
    "svg.hashsalt": "supernet",
}
NO_DATE = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def draw(
    rows: pd.DataFrame, truth: pd.Series, scores: Mapping[str, pd.Series], settings: Mapping[str, Any]
) -> dict[str, "Figure"]:
    """The study's figures by name.

    ``rows``: of `supernet.report.rows`. ``truth`` and each of ``scores`` (by method): a value an architecture.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        return {"sparse_kendall_tau": curves(rows, settings), "ranks": ranks(truth, scores)}


def render(figure: "Figure", form: str) -> bytes:
    """The bytes of a figure as ``svg`` or ``png``, without date or version."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format=form, metadata=NO_DATE[form])
    return buffer.getvalue()


def curves(rows: pd.DataFrame, settings: Mapping[str, Any]) -> "Figure":
    """S-KdT (paper's definition, first resolution) over epochs, mean and t interval over seeds.

    A panel for every number of iterations T, with the methods that have no landmarks in each of them.
    """
    from matplotlib.figure import Figure

    methods = settings["methods"]
    label = main_score(sorted(set(rows["estimator"].dropna()) - {REFERENCE}))
    width = settings["metrics"]["resolutions"][0]
    rows = select(rows, seed=None, estimator=label, metric="sparse_kendall_tau", definition="paper", resolution=width)
    plain = [name for name, m in methods.items() if m["landmarks"] is None]
    panels = sorted({m["iterations"] for m in methods.values() if m["landmarks"] is not None}) or [1]
    figure = Figure(figsize=(1.2 + 4.2 * len(panels), 3.6))
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, iterations in zip(axes, panels, strict=True):
        regularised = [n for n, m in methods.items() if m["landmarks"] is not None and m["iterations"] == iterations]
        _panel(axis, rows, [*plain, *regularised], methods)
        axis.set(xlabel="epoch", title=f"T = {iterations}")
    axes[0].set_ylabel(f"S-KdT of {label}")
    return figure


def _panel(axis: "Axes", rows: pd.DataFrame, names: Sequence[str], methods: Mapping[str, Any]) -> None:
    for owner in dict.fromkeys(methods[n]["start"] or n for n in names):
        line = select(rows, method=next(n for n in names if owner in (n, methods[n]["start"])))
        _line(axis, line[line["epoch"] <= methods[owner]["train"]["warmup"]], "shared warm-up", WARM_UP, ".")
    for i, name in enumerate(names):
        warmup = methods[name]["train"]["warmup"]
        line = select(rows, method=name)
        _line(axis, line[line["epoch"] >= warmup], name, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        if methods[name]["landmarks"] is not None:
            start = warmup
    if any(methods[n]["landmarks"] is not None for n in names):
        axis.axvline(start, color=WARM_UP, linestyle=":", zorder=0)
        axis.annotate(
            "regularisation starts", (start, 1), (-3, -3), xycoords=("data", "axes fraction"),
            textcoords="offset points", rotation=90, ha="right", va="top", color=WARM_UP, fontsize=8,
        )  # fmt: skip
    axis.legend(frameon=False, fontsize=8, loc="lower right")


def _line(axis: "Axes", line: pd.DataFrame, label: str, colour: str, marker: str) -> None:
    if len(line):
        line = line.sort_values("epoch")
        x, y, low, high = (line[c].to_numpy(dtype=float) for c in ("epoch", "value", "low", "high"))
        axis.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)
        axis.plot(x, y, color=colour, marker=marker, markersize=4, linewidth=1.4, label=label)


def ranks(truth: pd.Series, scores: Mapping[str, pd.Series]) -> "Figure":
    """Rank by truth against rank by super-net, a panel a method; 1 is the best and the diagonal is perfection."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.0 + 3.2 * len(scores), 3.7))
    axes = figure.subplots(1, len(scores), sharex=True, sharey=True, squeeze=False)[0]
    for i, (axis, (name, score)) in enumerate(zip(axes, scores.items(), strict=True)):
        score = score.loc[truth.index]
        axis.axline((1, 1), slope=1, color=WARM_UP, linewidth=1)
        x, y = truth.rank(ascending=False), score.rank(ascending=False)
        axis.scatter(x, y, s=14, color=COLOURS[i % len(COLOURS)], alpha=0.7, linewidth=0)
        axis.set(title=f"{name}: tau = {metrics.kendall_tau(truth, score):.2f}", xlabel="rank by stand-alone accuracy")
        axis.set_aspect("equal")
        axis.locator_params(nbins=6, integer=True)
    axes[0].set_ylabel("rank by super-net")
    return figure
