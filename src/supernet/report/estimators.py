"""How well an estimator ranks, beyond correlation: the rows of a study that names ``criteria`` (Ning et al. 2021).

Its settings are fractions k of the architectures. Ranks are fractions too, from 1 / n, the best; lower is better.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from supernet import criteria, intervals, metrics
from supernet.arch import Arch
from supernet.report.rows import Number, Row
from supernet.sections import VOTE

BOTTOM, BEST_RANK, WORST_RANK = "precision_at_bottom_k", "best_ranking", "worst_ranking"
PRECISION = "precision_at_k"
AT_K = {
    PRECISION: metrics.precision_at_k,
    BOTTOM: criteria.precision_at_bottom_k,
    "tau_at_top_k": criteria.tau_within,
    "tau_at_bottom_k": lambda truth, score, k: criteria.tau_within(truth, score, k, "bottom"),
    BEST_RANK: criteria.best_ranking,
    WORST_RANK: criteria.worst_ranking,
    "best_accuracy": criteria.best_accuracy,
    "worst_accuracy": criteria.worst_accuracy,
}
SHOWN = {PRECISION: "P@top ", BOTTOM: "P@bottom ", BEST_RANK: "best rank@", WORST_RANK: "worst rank@"}  # by a table
RELATIVE = {"relative_precision_at_k": PRECISION, "relative_precision_at_bottom_k": BOTTOM}
AGREEMENT = "pair_agreement"
PEARSON, LEVEL_TAU, LEVELS = "pearson", "intra_level_tau", "levels_of_several"
DIFFERENCE, GROUP_TAU, GROUPS = "rank_difference", "tau_in_group", 5
BY_TRUTH, BY_SCORE = "rises_by_truth", "rises_by_score"


def rows(
    truth: np.ndarray,
    score: np.ndarray,
    asked: Sequence[float],
    known: Sequence[float],
    order: np.ndarray | None = None,
) -> Iterator[Row]:
    """Of one checkpoint, for every k in ``asked``; precision at k for those in ``known`` is a row of every study.

    ``order``: a majority's, which agreement of pairs is of, in place of the score made of it.
    """
    agreement = criteria.pair_agreement(truth, score) if order is None else criteria.order_agreement(truth, order)
    yield {"metric": PEARSON, "value": criteria.pearson(truth, score), "n": len(truth)}
    yield {"metric": AGREEMENT, "value": agreement, "n": len(truth)}
    for k in _possible(asked, truth):
        for name, function in AT_K.items():
            if (name != PRECISION or k not in known) and (not name.startswith("tau") or int(k * len(truth)) > 2):
                value = function(truth, score, k)
                yield {"metric": name, "definition": "expected", "resolution": k, "value": value, "n": len(truth)}


def at_k(asked: Sequence[float], column: np.ndarray) -> Iterator[tuple[Number, intervals.Metric]]:
    """The numbers `SHOWN`, and their functions."""
    for k in _possible(asked, column):
        yield from (((name, "expected", k), partial(AT_K[name], k=k)) for name in SHOWN)


def relative(before: np.ndarray, score: np.ndarray, asked: Sequence[float]) -> Iterator[Row]:
    """What the scores of a checkpoint would have said of those of the next, were these the truth."""
    for k in _possible(asked, score):
        for name, metric in RELATIVE.items():
            yield {"metric": name, "resolution": k, "value": AT_K[metric](score, before, k), "n": len(score)}


def levels(truth: np.ndarray, level: np.ndarray, score: np.ndarray) -> Iterator[Row]:
    """Mean tau of ``score`` among architectures that ``level``, a coarse score, does not tell apart; see `criteria`."""
    taus, several = criteria.intra_level_tau(truth, level, score)
    if len(taus):
        yield {"metric": LEVEL_TAU, "value": float(taus.mean()), "n": len(taus)}
    yield {"metric": LEVELS, "value": several / len(np.unique(level)), "n": len(truth)}


def by_complexity(truth: np.ndarray, score: np.ndarray, parameters: np.ndarray) -> Iterator[Row]:
    """Over-estimation and tau in `GROUPS` groups of equal size by parameters, the smallest first."""
    for i, (difference, tau) in enumerate(criteria.by_complexity(truth, score, parameters, GROUPS), 1):
        at = {"definition": f"parameters {i} of {GROUPS}", "n": len(truth)}
        yield {"metric": DIFFERENCE, "value": difference, **at}
        yield {"metric": GROUP_TAU, "value": tau, **at}


def by_operation(archs: Sequence[Arch], truth: np.ndarray, score: np.ndarray, names: Sequence[str]) -> Iterator[Row]:
    """How often one operation in place of another raises the truth, and how often the score; ``names`` of options."""
    for (p, q), (by_truth, by_score, pairs) in criteria.operation_bias(archs, truth, score).items():
        at = {"definition": f"{names[p]} -> {names[q]}", "n": pairs}
        yield {"metric": BY_TRUTH, "value": by_truth, **at}
        yield {"metric": BY_SCORE, "value": by_score, **at}


def votes(columns: Mapping[str, np.ndarray], asked: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """A score for every list of scores: how many other architectures a majority of them ranks lower (Copeland).

    A pair that the majority does not order counts a half for both.
    """
    orders = majorities(columns, asked)
    return {name: (order / 2 + 0.5).sum(1) - 0.5 for name, order in orders.items()}  # itself is no other


def majorities(columns: Mapping[str, np.ndarray], asked: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """``(n, n)`` for every list of scores: 1 where most of them put the row above the column, -1 below it, else 0."""
    found: dict[str, np.ndarray] = {}
    for labels in asked:
        signs = sum(np.sign(columns[label][:, None] - columns[label][None, :]) for label in labels)
        name = "+".join(label.split(":")[-1] for label in labels)
        found[f"{VOTE}:{name}"] = np.sign(signs)
    return found


def _possible(asked: Sequence[float], column: np.ndarray) -> list[float]:
    return [k for k in asked if k * len(column) >= 1]
