"""Rows of numbers: one row a number, with everything that must stand beside it.

``low`` and ``high`` bound a row that has a seed, or a reference that needs none, by a bootstrap over ``n``
architectures, and a row without a seed otherwise by Student's t over ``n`` seeds. ``resolution`` is the bin width of
S-KdT (a fraction of accuracy), the k of precision at k (a fraction of the architectures), or the k of what is measured
of the k best (a number of architectures). ``truth`` is the column of the truth that a row is measured against; a name
as ``cifar100/test`` is that of another data set, which is measured at the end of training and has no bootstrap.
``sampled`` of a row without a seed is half the width of a bootstrap over architectures (`supernet.report.sampling`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from supernet import intervals, metrics
from supernet.sections import Study

COLUMNS = (
    "study", "task", "method", "estimator", "searcher", "seed", "iteration", "epoch", "metric", "definition",
    "resolution", "value", "low", "high", "n", "truth", "scale", "sampled",
)  # fmt: skip
WHOLE = ("seed", "iteration", "epoch", "n")
NUMBER = ("metric", "definition", "resolution")
NUMBERS = ("resolution", "value", "low", "high", "sampled")
REFERENCE = "reference"  # the estimator of what costs nothing
GAIN = ", gain over it alone"  # of a predictor, or of parameters, joined with a super-net
NAN = float("nan")

Row = dict[str, Any]
Number = tuple[str, str | None, float | None]  # of `NUMBER`


def frame(rows: Iterable[Row], **common: str) -> pd.DataFrame:
    """Rows as a table with `COLUMNS`; what a row does not mention is null."""
    table = pd.DataFrame([{**common, **row} for row in rows]).reindex(columns=list(COLUMNS))
    kinds = {name: "Int64" if name in WHOLE else "float64" if name in NUMBERS else "str" for name in COLUMNS}
    return table.astype(kinds)


def select(rows: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """The rows whose columns equal ``where``; None selects nulls."""
    for column, value in where.items():
        rows = rows[rows[column].isna() if value is None else (rows[column] == value).fillna(False).astype(bool)]
    return rows


def rank_metrics(settings: Mapping[str, Any]) -> Iterator[tuple[Number, intervals.Metric]]:
    """Every rank metric that the settings ``metrics`` ask for, and its function."""
    yield ("kendall_tau", None, None), metrics.kendall_tau
    yield ("spearman", None, None), metrics.spearman
    for width in settings["resolutions"]:
        for definition in ("paper", "released"):
            function = partial(metrics.sparse_kendall_tau, resolution=width, definition=definition)
            yield ("sparse_kendall_tau", definition, width), function
    for k in settings["precision_at"]:
        yield ("precision_at_k", "expected", k), partial(metrics.precision_at_k, k=float(k))


def rank_rows(
    truth: np.ndarray, score: np.ndarray, settings: Mapping[str, Any], resampled: Mapping[Number, np.ndarray]
) -> list[Row]:
    """All rank metrics of one column of scores, those ``resampled`` with a bootstrap interval over architectures."""
    found = []
    for number, function in rank_metrics(settings):
        values = resampled.get(number, np.array([]))
        low, high = intervals.percentiles(values, settings["level"])
        row = dict(zip(NUMBER, number, strict=True)) | {"value": function(truth, score)}
        found.append(row | {"low": low, "high": high, "n": len(truth)})
    return found


def numbered(row: Mapping[str, Any]) -> Number:
    """Which number a row is."""
    return (row["metric"], *(None if pd.isna(row[key]) else row[key] for key in NUMBER[1:]))


def aggregated(own: pd.DataFrame, others: pd.DataFrame, study: Study, level: float) -> list[pd.DataFrame]:
    """Rows of single runs and of what needs none, then all that is said over seeds: means, the best, differences."""
    scored = own[~own["estimator"].str.endswith(GAIN, na=False)]  # a gain's contrasts are its score's
    return [
        own,
        others,
        over_seeds(own, level),
        over_seeds(others, level),
        best_of_seeds(own),
        contrasts(scored, study.contrasts, level),
        search_contrasts(own, study.searchers, level),
        score_contrasts(own, study.scores, level),
    ]


def over_seeds(rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Mean with Student's t interval over the seeds of rows that are equal in all else; undefined where a seed is."""
    keys = [c for c in COLUMNS if c not in ("seed", *NUMBERS[1:], "n")]
    found = []
    for key, group in rows[rows["seed"].notna()].groupby(keys, dropna=False, sort=False):
        found.append({**dict(zip(keys, key, strict=True)), **interval(group["value"], level)})
    return frame(found)


def best_of_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """The best architecture that any seed found, ``best_...``; as papers print it, and without an interval."""
    keys = [c for c in COLUMNS if c not in ("seed", "metric", *NUMBERS[1:], "n")]
    found = []
    for metric, best in (("found_accuracy", "max"), ("found_rank", "min")):
        for key, group in select(rows, metric=metric).groupby(keys, dropna=False, sort=False):
            value = group["value"].agg(best)
            row = {**dict(zip(keys, key, strict=True)), "metric": f"best_{metric}", "value": value, "n": len(group)}
            found.append(row)
    return frame(found)


def contrasts(rows: pd.DataFrame, pairs: Sequence[Sequence[str]], level: float) -> pd.DataFrame:
    """Paired differences over seeds between the last checkpoints of the methods A and B of every pair, as "A - B"."""
    keys = ["study", "task", "estimator", "searcher", "metric", "definition", "resolution", "truth", "scale"]
    found = []
    for a, b in pairs:
        first, second = last_epoch(rows, a), last_epoch(rows, b)
        both = first.merge(second, on=[*keys, "seed"], suffixes=("", "_b"))
        both["value"] -= both["value_b"]
        for key, group in both.groupby(keys, dropna=False, sort=False):
            row = {**dict(zip(keys, key, strict=True)), "method": f"{a} - {b}", **interval(group["value"], level)}
            if (group["epoch"] == group["epoch_b"]).all():
                row["epoch"] = group["epoch"].iloc[0]
            found.append(row)
    return frame(found)


def search_contrasts(rows: pd.DataFrame, searchers: Sequence[str], level: float) -> pd.DataFrame:
    """Paired differences over seeds between what every other search B found and the first one A, as "B - A"."""
    keys = ["study", "task", "method", "metric", "definition", "truth", "scale", "epoch"]
    found = []
    for other in searchers[1:]:
        both = select(rows, searcher=other).merge(
            select(rows, searcher=searchers[0]), on=[*keys, "seed"], suffixes=("", "_a")
        )
        both["value"] -= both["value_a"]
        for key, group in both.groupby(keys, dropna=False, sort=False):
            name = {"searcher": f"{other} - {searchers[0]}"}
            found.append({**dict(zip(keys, key, strict=True)), **name, **interval(group["value"], level)})
    return frame(found)


def score_contrasts(rows: pd.DataFrame, pairs: Sequence[Sequence[str]], level: float) -> pd.DataFrame:
    """Paired differences over seeds between the scores A and B of a method's last checkpoint, as "method: A - B"."""
    keys = ["study", "task", "metric", "definition", "resolution", "truth", "scale", "epoch"]
    found = []
    for method in dict.fromkeys(rows["method"]) if pairs else []:
        own = last_epoch(rows, method)
        for a, b in pairs:
            both = select(own, estimator=a).merge(select(own, estimator=b), on=[*keys, "seed"], suffixes=("", "_b"))
            both["value"] -= both["value_b"]
            for key, group in both.groupby(keys, dropna=False, sort=False):
                name = {"method": f"{method}: {a} - {b}"}
                found.append({**dict(zip(keys, key, strict=True)), **name, **interval(group["value"], level)})
    return frame(found)


def last_epoch(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """The rows of a method's runs at their end, or at that of an iteration as in ``spos@1``, one seed each."""
    name, _, iteration = method.partition("@")
    own = select(rows, method=name)
    if iteration:
        own = select(own, iteration=int(iteration))
    return own[own["seed"].notna() & (own["epoch"] == own["epoch"].max()).fillna(False)]


def interval(values: pd.Series, level: float) -> Row:
    """Mean, bounds by Student's t, and number of values that stand for seeds; undefined where one of them is."""
    mean, low, high = intervals.t_interval(values, level) if np.isfinite(values).all() else (NAN, NAN, NAN)
    return {"value": mean, "low": low, "high": high, "n": len(values)}


def side(row: Mapping[str, Any]) -> int:
    """1 where the interval of a row lies above 0, -1 where below, else 0.

    It is the one over seeds, widened by ``sampled``, an independent error, where that is known. Where it is not, seeds
    that all say the same tell nothing of their spread: 0.
    """
    value, more = row["value"], row.get("sampled")
    if pd.isna(more):
        if row["low"] == row["high"]:
            return 0
        more = 0.0
    if value - math.hypot(value - row["low"], more) > 0:
        return 1
    return -1 if value + math.hypot(row["high"] - value, more) < 0 else 0
