"""Effects of the factors of a `supernet.factorial`: each measured by all runs, while the others are balanced.

An effect is the mean of the runs at level 1 less that of those at level 0. Its interval is Student's t on what seeds,
effects and interactions of two leave unexplained, at a level that Bonferroni corrects for all effects of factors that
the study asks about.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from supernet import intervals
from supernet.report.quantities import Quantity, finds, s_kdt, score_names
from supernet.report.rows import Row, frame, last_epoch, select

KEYS = ["study", "task", "estimator", "searcher", "metric", "definition", "resolution", "truth", "scale"]
EFFECT, CHOICE = "effect of {}", "choice of "


def outcomes(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[Quantity]:
    """What effects are told of: S-KdT by every score, and the accuracy that every search found."""
    own = settings["task"]["score_truth"]
    sparse = [Quantity(f"S-KdT, {label}", s_kdt(label, own, settings)) for label in score_names(rows)]
    searched = [(searcher, finds(searcher, own)[0]) for searcher in settings["study"]["searchers"]]
    return [*sparse, *(Quantity(f"found by {who}, %", q.where, q.factor, q.digits) for who, q in searched)]


def tested(rows: pd.DataFrame, settings: Mapping[str, Any]) -> int:
    """The number of effects of factors that the study asks about, for which their intervals are corrected."""
    return len(settings["factorial"]["factors"]) * len(outcomes(rows, settings))


def corrected(rows: pd.DataFrame, settings: Mapping[str, Any]) -> float:
    """The level of each interval at which all of them together have the study's."""
    return 1 - (1 - settings["metrics"]["level"]) / tested(rows, settings)


def effects(rows: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of the effects of all factors and pairs of them, and of the choices that need no training.

    ``rows``: of single runs, as `supernet.report.rows` has them.
    """
    design, level = settings["factorial"], corrected(rows, settings)
    last = pd.concat([last_epoch(rows, name) for name in design["levels"]])
    found: list[Row] = []
    for key, group in last.groupby(KEYS, dropna=False, sort=False):
        values = group.pivot(index="method", columns="seed", values="value").loc[list(design["levels"])].to_numpy(float)
        if np.isfinite(values).all():
            where = {**dict(zip(KEYS, key, strict=True)), "n": values.size}
            for name, value, low, high in fit(values, design["factors"], list(design["levels"].values()), level):
                found.append({**where, "method": EFFECT.format(name), "value": value, "low": low, "high": high})
    return pd.concat([frame(found), frame(_choices(last, settings, level))])


def fit(
    values: np.ndarray, factors: Sequence[str], levels: Sequence[Sequence[int]], level: float
) -> Iterator[tuple[str, float, float, float]]:
    """``(name, effect, low, high)`` of every factor, and of every two that no effect before is mixed up with.

    ``values: (methods, seeds)``; ``levels: (methods, factors)``, 0 or 1, a regular fraction with equal numbers of both.
    """
    from scipy.special import stdtrit

    signs = 2 * np.array(levels).T - 1
    terms = dict(zip(factors, signs, strict=True))
    for (a, first), (b, second) in combinations(zip(factors, signs, strict=True), 2):
        if all(abs(first * second @ column) < len(column) for column in terms.values()):
            terms[f"{a} x {b}"] = first * second
    found = {name: 2 * float((column[:, None] * values).mean()) for name, column in terms.items()}
    explained = values.mean(0) + sum(found[name] / 2 * column[:, None] for name, column in terms.items())
    freedom = values.size - values.shape[1] - len(terms)
    deviation = np.sqrt(((values - explained) ** 2).sum() / freedom)
    half = float(stdtrit(freedom, (1 + level) / 2) * 2 * deviation / np.sqrt(values.size))
    for name, effect in found.items():
        yield name, effect, effect - half, effect + half


def _choices(last: pd.DataFrame, settings: Mapping[str, Any], level: float) -> Iterator[Row]:
    """What the same super-nets are said to reach by another score, definition, bin width, or search; over all runs."""
    first, *others = outcomes(last, settings)
    width, *wider = settings["metrics"]["resolutions"]
    here = dict(first.where)
    asked = [("definition: released - paper", here, {**here, "definition": "released"})]
    asked += [(f"bins: {100 * w:g} % - {100 * width:g} %", here, {**here, "resolution": w}) for w in wider]
    for other in others:
        if "estimator" in other.where:
            scores = [where["estimator"].split(":")[-1] for where in (other.where, here)]
            asked.append((f"score: {' - '.join(scores)}", here, dict(other.where)))
    searched = [dict(other.where) for other in others if "searcher" in other.where]
    asked += [(f"search: {b['searcher']} - {searched[0]['searcher']}", searched[0], b) for b in searched[1:]]
    for name, before, after in asked:
        both = select(last, **after).merge(select(last, **before), on=["method", "seed"], suffixes=("", "_before"))
        difference = both["value"] - both["value_before"]
        value, low, high = intervals.t_interval(difference, level)
        row = {key: both[key].iloc[0] for key in KEYS}
        yield {**row, "method": CHOICE + name, "value": value, "low": low, "high": high, "n": len(both)}
