"""Figures of a study, drawn with matplotlib: equal numbers give equal bytes under one version of it."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from supernet import metrics
from supernet.report import estimator_figures, factors
from supernet.report.looks import COLOURS, CROWD, GREY, STYLE, diamond, look
from supernet.report.quantities import by_whom, s_kdt, score_names
from supernet.report.references import ALONE, ON_LANDMARKS, PARAMETERS
from supernet.report.rows import REFERENCE, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARED = "shared warm-up"
DODGE = 0.01  # of all epochs, between the intervals of one checkpoint
NO_DATE = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def draw(
    rows: pd.DataFrame, truth: pd.Series, scores: Mapping[str, pd.Series], settings: Mapping[str, Any]
) -> dict[str, "Figure"]:
    """The study's figures by name.

    ``rows``: of `supernet.report.rows`. ``truth`` and each of ``scores`` (by method): a value an architecture.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        return {
            "sparse_kendall_tau": curves(rows, settings),
            "effects": effects(rows, settings),
            "ranks": ranks(truth, scores),
        }


def render(figure: "Figure", form: str) -> bytes:
    """The bytes of a figure as ``svg`` or ``png``, without date or version."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format=form, metadata=NO_DATE[form])
    return buffer.getvalue()


def curves(rows: pd.DataFrame, settings: Mapping[str, Any]) -> "Figure":
    """S-KdT (paper's definition, first resolution) over epochs, mean and t interval over seeds; see `panels`.

    Of a study of estimators instead `estimator_figures.curves`.
    """
    from matplotlib.figure import Figure

    if settings["study"].get("criteria"):
        return estimator_figures.curves(rows, settings)
    label, methods = score_names(rows)[0], settings["methods"]
    rows = select(rows, seed=None, **s_kdt(label, settings["task"]["score_truth"], settings))
    drawn = panels(methods)
    wide = any(len(names) > CROWD for names in drawn.values())
    across = min(len(drawn), 2 if wide else 3)
    down = -(-len(drawn) // across)
    figure = Figure(figsize=(0.8 + (5.9 if wide else 4.0) * across, 0.2 + 3.8 * down))
    axes = figure.subplots(down, across, sharey=True, squeeze=False)
    for axis, (title, names) in zip(axes.flat, drawn.items(), strict=False):
        _panel(axis, rows, names, methods)
        axis.set(xlabel="epoch", title=title)
    for axis in axes.flat[len(drawn) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"S-KdT of {label}")
    return figure


def panels(methods: Mapping[str, Any]) -> dict[str, list[str]]:
    """Names of methods by the title of the panel that shows them over epochs.

    A panel for every way of training (kind, net and schedule) and number of iterations T with landmarks: the methods
    without landmarks first, which are its baselines. What is the baseline of nothing comes last.
    """
    ways = {name: json.dumps([m["kind"], m["net"], m["train"]], sort_keys=True) for name, m in methods.items()}
    order = list(dict.fromkeys(ways.values()))
    plain = [name for name, m in methods.items() if m["landmarks"] is None]
    taught: dict[tuple[int, int], list[str]] = {}
    for name, m in methods.items():
        if name not in plain:
            taught.setdefault((order.index(ways[name]), m["iterations"]), []).append(name)
    several = len({way for way, _ in taught}) > 1
    found = {}
    for (way, iterations), names in sorted(taught.items()):
        names = [*(name for name in plain if ways[name] == order[way]), *names]
        found[f"{names[0]}, T = {iterations}" if several else f"T = {iterations}"] = names
    rest = [name for name in plain if not any(name in names for names in found.values())]
    return {**found, "without landmarks": rest} if rest else found


def _panel(axis: "Axes", rows: pd.DataFrame, names: Sequence[str], methods: Mapping[str, Any]) -> None:
    """Lines of ``names``. In a crowd without intervals, and the legend lists them from best to worst."""
    crowded, owners = len(names) > CROWD, [methods[name]["start"] or name for name in names]
    shared = [owner for owner in dict.fromkeys(owners) if owners.count(owner) > 1]
    for i, (name, owner) in enumerate(zip(names, owners, strict=True)):
        line, train = select(rows, method=name).sort_values("epoch"), methods[name]["train"]
        if owner in shared:
            if name == names[owners.index(owner)]:
                grey = {"color": GREY, "marker": ".", "label": SHARED if owner == shared[0] else None}
                _line(axis, line[line["epoch"] <= train["warmup"]], -DODGE * train["epochs"], crowded, **grey)
            line = line[line["epoch"] >= train["warmup"]]
            line = line.assign(low=line["low"].where(line["epoch"] > train["warmup"]))  # there the grey one has it
        shift = DODGE * (i - (len(names) - 1) / 2) * train["epochs"]
        _line(axis, line, shift, crowded, **look(i), label=name)
    taught = [methods[name]["train"]["warmup"] for name in names if methods[name]["landmarks"] is not None]
    for start in dict.fromkeys(taught):
        axis.axvline(start, color=GREY, linestyle=":", zorder=0)
        axis.annotate(
            "regularisation starts", (start, 1), (-3, -3), xycoords=("data", "axes fraction"),
            textcoords="offset points", rotation=90, ha="right", va="top", color=GREY, fontsize=8,
        )  # fmt: skip
    handles, labels = axis.get_legend_handles_labels()
    where = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2}
    if crowded:
        handles.sort(key=lambda handle: (handle.get_label() != SHARED, -handle.get_ydata()[-1]))
        labels = [handle.get_label() for handle in handles]
        where = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    axis.legend(handles, labels, frameon=False, fontsize=8, handlelength=3, **where)


def _line(axis: "Axes", line: pd.DataFrame, shift: float, crowded: bool, **style: Any) -> None:
    """One line; its intervals are moved sideways by ``shift`` epochs, so that none hides another."""
    x, y, low, high = (line[column].to_numpy(dtype=float) for column in ("epoch", "value", "low", "high"))
    axis.plot(x, y, **style, markersize=4, linewidth=1.4)
    if not crowded:
        axis.vlines(x + shift, low, high, color=style["color"], linewidth=1, alpha=0.6)


def effects(rows: pd.DataFrame, settings: Mapping[str, Any]) -> "Figure":
    """A row a method, at the end of training: S-KdT by the main score, and what the study's first searcher found.

    Mean and t interval over seeds, the seeds as dots; references that need no super-net as lines, those of one set
    of landmarks among several beside the methods that train with it. Of a factorial instead `factor_effects`, of a
    study of estimators `estimator_figures.effects`.
    """
    from matplotlib.figure import Figure

    if "factorial" in settings:
        return factor_effects(rows, settings)
    if settings["study"].get("criteria"):
        return estimator_figures.effects(rows, settings)
    study, own, label = settings["study"], settings["task"]["score_truth"], score_names(rows)[0]
    tau = s_kdt(label, own, settings)
    shown = [(f"S-KdT of {label}", tau, 1)]
    for searcher in study["searchers"][:1]:
        by = by_whom(searcher).strip("`")
        where = {"searcher": searcher, "metric": "found_accuracy", "truth": own}
        shown.append((f"accuracy found by {by}, %", where, 100))
    names = study["methods"]
    figure = Figure(figsize=(2.2 + 3.4 * len(shown), 1.2 + 0.3 * len(names)))
    axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axis, (title, where, factor) in zip(axes, shown, strict=True):
        for row, name in enumerate(names):
            _effect(axis, row, select(rows, method=name, **where), factor)
        axis.set_xlabel(title)
    axes[0].set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    _references(axes[0], select(rows, seed=None, **{**tau, "estimator": REFERENCE}), settings["methods"])
    return figure


def _effect(axis: "Axes", row: int, own: pd.DataFrame, factor: float) -> None:
    last = own[own["epoch"] == own["epoch"].max()]
    seeds, (mean,) = last.dropna(subset="seed"), select(last, seed=None).to_dict("records")
    dots = factor * seeds["value"].to_numpy(dtype=float)
    axis.scatter(dots, [row + 0.27] * len(dots), s=12, color=COLOURS[0], alpha=0.5, linewidth=0, zorder=2)
    diamond(axis, row, mean, factor)


def factor_effects(rows: pd.DataFrame, settings: Mapping[str, Any]) -> "Figure":
    """A row a factor, below them one a choice, and a panel an outcome; intervals of `supernet.report.factors`."""
    from matplotlib.figure import Figure

    names, shown = settings["factorial"]["factors"], factors.outcomes(rows, settings)
    choices = factors.choices(rows, settings)
    labels = [*names, *(choice.name for choice in choices)]
    figure = Figure(figsize=(3.0 + 2.6 * len(shown), 1.0 + 0.35 * len(labels)))
    for axis, column in zip(figure.subplots(1, len(shown), sharey=True, squeeze=False)[0], shown, strict=True):
        axis.axvline(0, color=GREY, linewidth=1, zorder=1)
        axis.axhline(len(names) - 0.5, color=GREY, linewidth=0.5, zorder=1)
        drawn = [select(rows, method=factors.EFFECT.format(name), **column.where) for name in names]
        drawn += [select(rows, method=factors.CHOICE + c.name) if c.like == column else rows[:0] for c in choices]
        for row, found in enumerate(drawn):
            for one in found.to_dict("records"):
                diamond(axis, row, one, column.factor)
        axis.set(xlabel=column.title, yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.5, -0.5))
    return figure


def _references(axis: "Axes", free: pd.DataFrame, methods: Mapping[str, Any]) -> None:
    """Thin lines, named once a kind above the panel: parameters, and what every set of landmarks says alone."""
    alone = zip(ALONE, (COLOURS[3], COLOURS[4]), (":", "-."), strict=True)
    kinds = [(PARAMETERS, COLOURS[1], "--")]
    kinds += [(ON_LANDMARKS.format(predictor=name, method=""), *look) for name, *look in alone]
    for kind, colour, dashes in kinds:
        look = {"color": colour, "linestyle": dashes, "linewidth": 1, "zorder": 1, "label": kind.removesuffix(" of ")}
        own = free[free["method"].str.startswith(kind)]
        for name, value in zip(own["method"], own["value"], strict=True):
            if len(own) == 1:
                axis.axvline(value, **look)
                continue
            for row in _taught_alike(methods, name.removeprefix(kind)):
                axis.plot([value, value], [row - 0.45, row + 0.45], **look)
                look["label"] = None
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)


def _taught_alike(methods: Mapping[str, Any], name: str) -> list[int]:
    """Which methods of a study, by their place in it, have the landmarks of ``name``, in the same order."""
    own = {key: methods[name].get(key) for key in ("landmarks", "order_truth", "additions")}
    shared = own["additions"] is None  # else its own search met some of them
    same = [shared and all(method.get(key) == own[key] for key in own) for method in methods.values()]
    return [row for row, other in enumerate(methods) if same[row] or other == name]


def ranks(truth: pd.Series, scores: Mapping[str, pd.Series]) -> "Figure":
    """Rank by truth against rank by super-net, a panel a method; 1 is the best and the diagonal is perfection."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.0 + 3.2 * len(scores), 3.7))
    axes = figure.subplots(1, len(scores), sharex=True, sharey=True, squeeze=False)[0]
    for i, (axis, (name, score)) in enumerate(zip(axes, scores.items(), strict=True)):
        score = score.loc[truth.index]
        axis.axline((1, 1), slope=1, color=GREY, linewidth=1)
        x, y = truth.rank(ascending=False), score.rank(ascending=False)
        axis.scatter(x, y, s=14, color=COLOURS[i % len(COLOURS)], alpha=0.7, linewidth=0)
        axis.set(title=f"{name}: tau = {metrics.kendall_tau(truth, score):.2f}", xlabel="rank by stand-alone accuracy")
        axis.set_aspect("equal")
        axis.locator_params(nbins=6, integer=True)
    axes[0].set_ylabel("rank by super-net")
    return figure
