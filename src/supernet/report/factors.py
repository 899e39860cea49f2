"""Effects of the factors of a `supernet.factorial`: each measured by all runs, while the others are balanced.

An effect is the mean of the runs at level 1 less that of those at level 0; there is one a seed, and its interval is
Student's t over them. What seeds say of the spread of an effect is pooled over all effects of one kind, since they have
the same error: those of factors whose levels share nothing between runs, and of pairs of factors. A factor whose levels
stand for something drawn once a seed has a larger error, and its own (Box, Hunter and Hunter, ch. 9: split plots). The
level is corrected by Bonferroni for all effects of factors that the study asks about.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from supernet.report.quantities import Quantity, finds, s_kdt, score_names
from supernet.report.rows import NAN, Row, frame, interval, last_epoch, select

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

    ``rows``: of single runs, as `supernet.report.rows` has them. An undefined number makes effects undefined.
    """
    design, level = settings["factorial"], corrected(rows, settings)
    names, levels = list(design["levels"]), list(design["levels"].values())
    last = pd.concat([last_epoch(rows, name) for name in names])
    found: list[Row] = []
    for key, group in last.groupby(KEYS, dropna=False, sort=False):
        values = group.pivot(index="method", columns="seed", values="value").reindex(names).to_numpy(float)
        where = {**dict(zip(KEYS, key, strict=True)), "n": values.shape[1]}
        for name, value, low, high in fit(values, design["factors"], levels, design["once_a_seed"], level):
            found.append({**where, "method": EFFECT.format(name), "value": value, "low": low, "high": high})
    return pd.concat([frame(found), frame(_choices(last, settings, level))])


def fit(
    values: np.ndarray, factors: Sequence[str], levels: Sequence[Sequence[int]], once: Sequence[str], level: float
) -> Iterator[tuple[str, float, float, float]]:
    """``(name, effect, low, high)`` of every factor, and of every two that no effect before is mixed up with.

    ``values: (methods, seeds)``; ``levels: (methods, factors)``, 0 or 1, a regular fraction with equal numbers of both;
    ``once``: the factors with an error of their own.
    """
    from scipy.special import stdtrit

    signs = 2 * np.array(levels).T - 1
    terms = dict(zip(factors, signs, strict=True))
    for (a, first), (b, second) in combinations(zip(factors, signs, strict=True), 2):
        if all(abs(first * second @ column) < len(column) for column in terms.values()):
            terms[f"{a} x {b}"] = first * second
    found = {name: 2 * (column[:, None] * values).mean(0) for name, column in terms.items()}  # one a seed
    seeds = values.shape[1]
    variance = {name: float(one.var(ddof=1)) if seeds > 1 else NAN for name, one in found.items()}
    pooled = [name for name in found if name not in once]
    for name, each in found.items():
        like = pooled if name in pooled else [name]
        deviation = float(np.sqrt(np.mean([variance[other] for other in like]) / seeds))
        half = float(stdtrit((seeds - 1) * len(like), (1 + level) / 2)) * deviation if seeds > 1 else NAN
        effect = float(each.mean())
        yield name, effect, effect - half, effect + half


def _choices(last: pd.DataFrame, settings: Mapping[str, Any], level: float) -> Iterator[Row]:
    """What the same super-nets are said to reach by another score, definition, bin width, or search; by seed."""
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
        differences = (both["value"] - both["value_before"]).groupby(both["seed"]).mean()
        yield {**{key: both[key].iloc[0] for key in KEYS}, "method": CHOICE + name, **interval(differences, level)}
