"""Figures of a study of estimators: a line or a row for every score of every method, for more criteria than one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from supernet.report import estimators
from supernet.report.looks import COLOURS, CROWD, GREY, diamond, look
from supernet.report.quantities import Quantity, estimated, of_estimators
from supernet.report.references import PARAMETERS
from supernet.report.rows import REFERENCE, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = ("kendall_tau", "precision_at_k", estimators.BOTTOM, estimators.WORST_RANK)  # at the first k of the study
DODGE = 0.012  # of the axis, between the intervals of one place


def curves(rows: pd.DataFrame, settings: Mapping[str, Any]) -> "Figure":
    """`SHOWN` over epochs, how much each fifth by parameters is over-estimated at the end, and what training logged."""
    from matplotlib.figure import Figure

    shown, lines, logged = _columns(settings), _lines(rows), settings["study"].get("logged", [])
    panels = -(-(len(shown) + 1 + len(logged)) // 3)  # in rows of three
    figure = Figure(figsize=(10.5, 3.0 * panels + 0.2 * -(-len(lines) // 3)))
    axes = iter(figure.subplots(panels, 3, squeeze=False).flat)
    rows = select(rows, seed=None)
    for column in shown:
        axis = next(axes)
        for i, (method, label) in enumerate(lines):
            own = select(rows, method=method, estimator=label, **column.where).sort_values("epoch")
            _line(axis, own, own["epoch"], i, len(lines))
        axis.set(xlabel="epoch", title=column.title)
    axis = next(axes)
    for i, (method, label) in enumerate(lines):
        own = estimated(rows, method, label, {"metric": estimators.DIFFERENCE}).sort_values("definition")
        _line(axis, own, pd.Series(range(1, len(own) + 1), index=own.index), i, len(lines))
    axis.axhline(0, color=GREY, linewidth=1, zorder=0)
    axis.set(xlabel="fifth by parameters, from the smallest", title="over-estimation, in ranks / n")
    first = {method: i for i, (method, _) in reversed([*enumerate(lines)])}  # a method looks as its first score does
    for metric in logged:
        axis = next(axes)
        for method, i in first.items():
            own = select(rows, method=method, metric=metric).sort_values("epoch")
            _line(axis, own, own["epoch"], i, len(lines))
        axis.set(xlabel="epoch", title=metric.replace("_", " "))
    for axis in axes:
        axis.set_visible(False)
    handles = figure.axes[0].get_lines()
    named = [f"{method}: {label}" for method, label in lines]
    figure.legend(handles, named, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def effects(rows: pd.DataFrame, settings: Mapping[str, Any]) -> "Figure":
    """A row a score of a method at the end of training, from best to worst tau; counting parameters as a line."""
    from matplotlib.figure import Figure

    shown, whole = _columns(settings), select(rows, seed=None)

    def value(line: tuple[str, str]) -> float:
        return estimated(whole, *line, shown[0].where)["value"].max()

    lines = sorted(_lines(rows), key=value, reverse=True)
    figure = Figure(figsize=(3.0 + 1.9 * len(shown), 1.0 + 0.24 * len(lines)))
    axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axis, column in zip(axes, shown, strict=True):
        free = select(whole, method=PARAMETERS, **{**column.where, "estimator": REFERENCE})
        for counted in free["value"]:
            axis.axvline(counted, color=COLOURS[1], linestyle="--", linewidth=1, zorder=1, label="counting parameters")
        for i, (method, label) in enumerate(lines):
            for _, one in estimated(whole, method, label, column.where).iterrows():
                diamond(axis, i, one, 1)
        axis.set_xlabel(column.title)
    names = [f"{method}: {label}" for method, label in lines]
    axes[0].set(yticks=range(len(lines)), yticklabels=names, ylim=(len(lines) - 0.5, -0.5))
    if axes[0].get_legend_handles_labels()[0]:
        axes[0].legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def _columns(settings: Mapping[str, Any]) -> list[Quantity]:
    first = settings["study"]["criteria"][0]
    columns = [column for column in of_estimators(settings) if column.where.get("resolution", first) == first]
    return [column for column in columns if column.where["metric"] in SHOWN]


def _lines(rows: pd.DataFrame) -> Sequence[tuple[str, str]]:
    """The methods and scores that `supernet.report.estimators` speaks of."""
    own = select(rows, seed=None, metric=estimators.PEARSON)
    own = own[~own["method"].str.contains(" - ", regex=False)]
    return list(dict.fromkeys(zip(own["method"], own["estimator"], strict=True)))


def _line(axis: "Axes", own: pd.DataFrame, x: pd.Series, number: int, count: int) -> None:
    style = look(number)
    axis.plot(x, own["value"].astype(float), **style, markersize=3.5, linewidth=1.2)
    if count <= CROWD and len(own):
        shifted = x.astype(float) + DODGE * (number - (count - 1) / 2) * max(float(x.max()), 1.0)
        low, high = (own[bound].astype(float) for bound in ("low", "high"))
        axis.vlines(shifted, low, high, color=style["color"], linewidth=1, alpha=0.6)
