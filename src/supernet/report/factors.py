"""Effects of the factors of a `supernet.factorial`: each measured by all runs, while the others are balanced.

An effect is the mean of the runs at level 1 less that of those at level 0; there is one a seed, and its interval is
Student's t over them. What seeds say of the spread of an effect is pooled over those that have the same error. Runs of
a seed share images, paths and first weights, so that what a factor does depends on the seed: its error holds that,
while pairs of factors cancel it. So factors are pooled with factors, and pairs with pairs. A factor whose levels stand
for something drawn once a seed has a larger error, and its own, and so has every pair that is mixed up with a product
of such factors (Box, Hunter and Hunter, ch. 9: split plots). The level is corrected by Bonferroni for the factors of an
outcome, and apart from them for the choices, which measure the same super-nets otherwise.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from supernet.report.quantities import Quantity, finds, s_kdt, score_names
from supernet.report.rows import NAN, Row, frame, interval, last_epoch, numbered, select
from supernet.report.sampling import Sampling

KEYS = ["study", "task", "estimator", "searcher", "metric", "definition", "resolution", "truth", "scale"]
EFFECT, CHOICE, PAIR = "effect of {}", "choice of ", " x "


def outcomes(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[Quantity]:
    """What effects are told of: S-KdT by every score, and the accuracy that every search found."""
    own = settings["task"]["score_truth"]
    sparse = [Quantity(f"S-KdT, {label}", s_kdt(label, own, settings)) for label in score_names(rows)]
    searched = [(searcher, finds(searcher, own)[0]) for searcher in settings["study"]["searchers"]]
    return [*sparse, *(Quantity(f"found by {who}, %", q.where, q.factor, q.digits) for who, q in searched)]


class Choice(NamedTuple):
    """Another way to measure the same super-nets: by rows ``after`` in place of ``before``, in terms of ``like``."""

    name: str
    like: Quantity
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def choices(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[Choice]:
    """Another definition of S-KdT, bin width, both (which is the released code's), score, or search."""
    first, *others = outcomes(rows, settings)
    width, *wider = settings["metrics"]["resolutions"]
    paper = dict(first.where)
    released = {**paper, "definition": "released"}
    asked = [Choice("definition: released - paper", first, paper, released)]
    for w in wider:
        wide, narrow = f"{100 * w:g} %", f"{100 * width:g} %"
        asked.append(Choice(f"bins: {wide} - {narrow}", first, paper, {**paper, "resolution": w}))
        both = f"both: released, {wide} - paper, {narrow}"
        asked.append(Choice(both, first, paper, {**released, "resolution": w}))
    for other in others:
        if "estimator" in other.where:
            scores = [where["estimator"].split(":")[-1] for where in (other.where, paper)]
            asked.append(Choice(f"score: {' - '.join(scores)}", other, paper, other.where))
    searched = [other for other in others if "searcher" in other.where]
    for other in searched[1:]:
        names = f"{other.where['searcher']} - {searched[0].where['searcher']}"
        asked.append(Choice(f"search: {names}", other, searched[0].where, other.where))
    return asked


def corrected(settings: Mapping[str, Any], asked: int) -> float:
    """The level of each of ``asked`` intervals at which all of them together have the study's."""
    return 1 - (1 - settings["metrics"]["level"]) / asked


def effects(rows: pd.DataFrame, settings: Mapping[str, Any], sampling: Sampling) -> pd.DataFrame:
    """Rows of the effects of all factors and pairs of them, and of the choices that need no training.

    ``rows``: of single runs, as `supernet.report.rows` has them. An undefined number makes effects undefined.
    ``sampling``: of the same runs.
    """
    design, own = settings["factorial"], settings["task"]["score_truth"]
    level = corrected(settings, len(design["factors"]))
    names, levels = list(design["levels"]), list(design["levels"].values())
    signed = terms_of(design["factors"], levels)
    last = pd.concat([last_epoch(rows, name) for name in names])
    found: list[Row] = []
    for key, group in last.groupby(KEYS, dropna=False, sort=False):
        values = group.pivot(index="method", columns="seed", values="value").reindex(names).to_numpy(float)
        where = {**dict(zip(KEYS, key, strict=True)), "n": values.shape[1]}
        for name, value, low, high in fit(values, design["factors"], levels, design["once_a_seed"], level):
            row = {**where, "method": EFFECT.format(name), "value": value, "low": low, "high": high}
            weights = 2 / len(names) * signed[name]
            terms = [(w, m, where["estimator"], numbered(where)) for w, m in zip(weights, names, strict=True)]
            found.append(row | {"sampled": sampling.half_width(terms, level) if where["truth"] == own else NAN})
    return pd.concat([frame(found), frame(_chosen(last, settings, sampling))])


def terms_of(factors: Sequence[str], levels: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    """The signs of all methods, (methods,), in every factor, and in every two that are mixed up with none before."""
    signs = 2 * np.array(levels).T - 1
    terms = dict(zip(factors, signs, strict=True))
    for (a, first), (b, second) in combinations(zip(factors, signs, strict=True), 2):
        if all(abs(first * second @ column) < len(column) for column in terms.values()):
            terms[a + PAIR + b] = first * second
    return terms


def fit(
    values: np.ndarray, factors: Sequence[str], levels: Sequence[Sequence[int]], once: Sequence[str], level: float
) -> Iterator[tuple[str, float, float, float]]:
    """``(name, effect, low, high)`` of `terms_of` them.

    ``values: (methods, seeds)``; ``levels: (methods, factors)``, 0 or 1, a regular fraction with equal numbers of both;
    ``once``: the factors with an error of their own.
    """
    from scipy.special import stdtrit

    terms = terms_of(factors, levels)
    found = {name: 2 * (column[:, None] * values).mean(0) for name, column in terms.items()}  # one a seed
    seeds = values.shape[1]
    variance = {name: float(one.var(ddof=1)) if seeds > 1 else NAN for name, one in found.items()}
    plots = [np.prod(some, axis=0) for k in range(len(once)) for some in combinations([terms[o] for o in once], k + 1)]
    own = {name for name, column in terms.items() if any(abs(column @ plot) == len(column) for plot in plots)}
    for name, each in found.items():
        alike = [other for other in found if other not in own and (PAIR in other) == (PAIR in name)]
        like = [name] if name in own else alike
        deviation = float(np.sqrt(np.mean([variance[other] for other in like]) / seeds))
        half = float(stdtrit((seeds - 1) * len(like), (1 + level) / 2)) * deviation if seeds > 1 else NAN
        effect = float(each.mean())
        yield name, effect, effect - half, effect + half


def _chosen(last: pd.DataFrame, settings: Mapping[str, Any], sampling: Sampling) -> Iterator[Row]:
    """What every choice changes, mean over methods, by seed; undefined where it is for one of them."""
    asked = choices(last, settings)
    level = corrected(settings, len(asked))
    for name, _, before, after in asked:
        both = select(last, **after).merge(select(last, **before), on=["method", "seed"], suffixes=("", "_before"))
        changes = (both["value"] - both["value_before"]).groupby(both["seed"])
        differences = changes.agg(lambda one: one.mean(skipna=False))
        methods = list(dict.fromkeys(both["method"]))
        sides = [(sign / len(methods), where) for sign, where in ((1, after), (-1, before)) if "estimator" in where]
        terms = [(w, m, where["estimator"], numbered(frame([where]).iloc[0])) for w, where in sides for m in methods]
        row = {**{key: both[key].iloc[0] for key in KEYS}, "method": CHOICE + name, **interval(differences, level)}
        yield row | {"sampled": sampling.half_width(terms, level) if terms else NAN}
