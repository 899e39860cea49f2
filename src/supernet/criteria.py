"""Criteria of estimators beyond correlation: pure functions of columns, as in `supernet.metrics`, which see for errors.

Source: Ning et al. 2021, "Evaluating efficient performance estimators of neural architectures", and its released code.
``k``: a fraction of the rows, rounded down (NaN where that leaves none), or a count. Ranks count from 1, the best.

``ties`` decides who is among the ``k`` best by score where equal scores straddle the k-th place, as in
`metrics.precision_at_k`: ``expected`` over all ways of breaking them, ``stable`` (the earlier row) or ``reference``
(reversed `numpy.argsort`; D37). Ranks by truth follow the same policy; expected, equal truths share their mean rank.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from supernet.arch import Arch
from supernet.metrics import Column, as_column, as_columns, chosen_count, kendall_tau, precision_at_k, ranks
from supernet.seeding import stream

Ties = Literal["expected", "stable", "reference"]
End = Literal["top", "bottom"]
DRAWS = 100  # ways of breaking ties that are averaged where there is no closed form


def pearson(truth: ArrayLike, score: ArrayLike) -> float:
    """Pearson's linear correlation; in [-1, 1], NaN where a column is constant."""
    truth, score = as_columns(truth, score)
    if truth.min() == truth.max() or score.min() == score.max():
        return float("nan")
    return float(np.corrcoef(truth, score)[0, 1])


def pair_agreement(truth: ArrayLike, score: ArrayLike) -> float:
    """The part of all pairs, tied in neither column, that ``score`` orders as ``truth``; NaN if there are none.

    In [0, 1]; not a correlation.
    """
    truth, score = as_columns(truth, score)
    return order_agreement(truth, score[:, None] - score)


def order_agreement(truth: ArrayLike, order: np.ndarray) -> float:
    """`pair_agreement` of an ``order: (n, n)`` of pairs, above 0 where the row is before the column, 0 where tied.

    An order that no score needs to have: a majority's may go in circles. As the "vote" of Abdelfattah et al. 2021,
    "Zero-cost proxies", is measured.
    """
    truth = as_column("truth", truth)
    signs = np.sign(truth[:, None] - truth) * np.sign(order)
    ordered = np.count_nonzero(signs)
    return np.count_nonzero(signs > 0) / ordered if ordered else math.nan


def precision_at_bottom_k(truth: ArrayLike, score: ArrayLike, k: float | int = 0.05, ties: Ties = "expected") -> float:
    """P@bottom-k: the part of the k worst by score that is among the k worst by truth. In [0, 1]."""
    truth, score = as_columns(truth, score)
    if ties == "expected":
        return precision_at_k(-truth, -score, k)
    count = chosen_count(k, len(truth))
    if not count:
        return math.nan
    worst = [set(_order(column, ties)[-count:]) for column in (truth, score)]
    return len(worst[0] & worst[1]) / count


def tau_within(truth: ArrayLike, score: ArrayLike, k: float | int, end: End = "top", ties: Ties = "expected") -> float:
    """Kendall's tau-b inside the k best (``top``) or worst (``bottom``) *by score*; NaN where one column is constant.

    Expected: the mean over `DRAWS` fixed ways of breaking ties at the boundary, without undefined ones.
    """
    truth, score = as_columns(truth, score)
    count = chosen_count(k, len(truth))
    sets = _sets(score, count, ties, end) if count > 1 else []
    found = [kendall_tau(truth[rows], score[rows]) for rows in sets]
    defined = [tau for tau in found if not math.isnan(tau)]
    return float(np.mean(defined)) if defined else math.nan


def best_ranking(truth: ArrayLike, score: ArrayLike, k: float | int, ties: Ties = "expected") -> float:
    """BR@k: the best true rank among the k best by score, over the number of rows. In (0, 1], lower is better."""
    truth, score = as_columns(truth, score)
    return _extreme(_true_ranks(truth, ties), score, k, ties, min) / len(truth)


def worst_ranking(truth: ArrayLike, score: ArrayLike, k: float | int, ties: Ties = "expected") -> float:
    """WR@k: the worst true rank among the k best by score, over the number of rows. In (0, 1], lower is better."""
    truth, score = as_columns(truth, score)
    return _extreme(_true_ranks(truth, ties), score, k, ties, max) / len(truth)


def best_accuracy(truth: ArrayLike, score: ArrayLike, k: float | int, ties: Ties = "expected") -> float:
    """The highest truth among the k best by score, in the unit of `truth`."""
    truth, score = as_columns(truth, score)
    return _extreme(truth, score, k, ties, max)


def worst_accuracy(truth: ArrayLike, score: ArrayLike, k: float | int, ties: Ties = "expected") -> float:
    """The lowest truth among the k best by score, in the unit of `truth`."""
    truth, score = as_columns(truth, score)
    return _extreme(truth, score, k, ties, min)


def regret_at_k(truth: ArrayLike, score: ArrayLike, k: int) -> float:
    """Best truth minus the best truth among the `k` architectures with the highest scores, in the unit of `truth`.

    What is lost by training the `k` best-scored ones and keeping the best; the expected value where scores tie.
    """
    return float(as_column("truth", truth).max()) - best_accuracy(truth, score, int(k))


def intra_level_tau(truth: ArrayLike, level: ArrayLike, score: ArrayLike) -> tuple[Column, int]:
    """Kendall's tau-b of ``score`` inside each level, in their order, and how many levels have more than one row.

    A level: the rows that share a value of the column ``level``, as a score on few images does. Levels in which tau is
    undefined are counted and have no entry.
    """
    truth, level = as_columns(truth, level, names=("truth", "level"))
    _, score = as_columns(truth, score)
    groups = [np.flatnonzero(level == value) for value in np.unique(level)]
    groups = [rows for rows in groups if len(rows) > 1]
    taus = np.array([kendall_tau(truth[rows], score[rows]) for rows in groups])
    return taus[~np.isnan(taus)], len(groups)


def ranking_difference(truth: ArrayLike, score: ArrayLike) -> Column:
    """(true rank - predicted rank) / n of every row, (n,): above 0 is over-estimated. Ties have their mean rank."""
    truth, score = as_columns(truth, score)
    return (ranks(score) - ranks(truth)) / len(truth)


def by_complexity(
    truth: ArrayLike, score: ArrayLike, complexity: ArrayLike, groups: int = 5
) -> list[tuple[float, float]]:
    """Mean `ranking_difference` and Kendall's tau of groups of equal size by ``complexity``, from the smallest.

    Rows of equal complexity are kept in their order. Raises ValueError unless 1 <= groups <= n.
    """
    truth, score = as_columns(truth, score)
    _, complexity = as_columns(truth, complexity, names=("truth", "complexity"))
    if not 1 <= groups <= len(truth):
        raise ValueError(f"groups must be from 1 to {len(truth)}, got {groups}")
    difference = ranking_difference(truth, score)
    parts = np.array_split(np.argsort(complexity, kind="stable"), groups)
    return [
        (float(difference[rows].mean()), kendall_tau(truth[rows], score[rows]) if len(rows) > 1 else math.nan)
        for rows in parts
    ]


def operation_bias(
    archs: Sequence[Arch], truth: ArrayLike, score: ArrayLike
) -> Mapping[tuple[int, int], tuple[float, float, int]]:
    """What replacing option p by q at one position does, by ``(p, q)``, over all pairs of ``archs`` that differ so.

    ``(part of pairs whose truth rises, part whose score rises, number of pairs)``; a tie rises by half. A score that
    rises more often than the truth over-estimates q beside p. For ``(q, p)`` it is the complement, so p < q alone.
    """
    truth, score = as_columns(truth, score)
    if len(archs) != len(truth):
        raise ValueError(f"archs and truth differ in length: {len(archs)} and {len(truth)}")
    where = {tuple(arch): i for i, arch in enumerate(archs)}
    options = {option for arch in archs for option in arch}
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for arch, i in where.items():
        for position, p in enumerate(arch):
            for q in (q for q in options if q > p):
                if (j := where.get((*arch[:position], q, *arch[position + 1 :]))) is not None:
                    pairs.setdefault((p, q), []).append((i, j))
    found = {}
    for change, rows in sorted(pairs.items()):
        before, after = np.array(rows).T
        rises = [float(((np.sign(column[after] - column[before]) + 1) / 2).mean()) for column in (truth, score)]
        found[change] = (*rises, len(rows))
    return found


def _order(column: Column, ties: Ties) -> np.ndarray:
    """The rows from the highest value to the lowest."""
    return np.argsort(-column, kind="stable") if ties == "stable" else np.argsort(column)[::-1]


def _true_ranks(truth: Column, ties: Ties) -> Column:
    if ties == "expected":
        return len(truth) + 1 - ranks(truth)
    found = np.empty(len(truth))
    found[_order(truth, ties)] = np.arange(1, len(truth) + 1)
    return found


def _extreme(values: Column, score: Column, k: float | int, ties: Ties, extreme: Callable[..., float]) -> float:
    """The least or greatest value among the k highest scores; expected in closed form."""
    count = chosen_count(k, len(score))
    if count == 0:
        return math.nan
    if ties != "expected":
        (rows,) = _sets(score, count, ties)
        return float(extreme(values[rows]))
    sign = 1.0 if extreme is max else -1.0
    boundary = np.sort(score)[-count]
    sure = (sign * values[score > boundary]).max(initial=-np.inf)
    tied = np.sort(sign * values[score == boundary])[::-1]
    free = count - int(np.count_nonzero(score > boundary))
    # The i-th of n tied ones is the greatest of those that get in: it is in, and so are free - 1 of those behind it.
    behind = np.arange(len(tied) - 1, 0, -1)  # C(behind, free - 1) / C(n, free), each from the one before
    ways = free / len(tied) * np.cumprod([1.0, *((behind + 1 - free) / behind)])
    return sign * float(np.maximum(tied, sure) @ ways)


def _sets(score: Column, count: int, ties: Ties, end: End = "top") -> list[np.ndarray]:
    """The rows of the ``count`` highest or lowest scores; expected, `DRAWS` draws of them where ties leave a choice."""
    if ties not in ("expected", "stable", "reference"):
        raise ValueError(f'ties must be "expected", "stable" or "reference", got {ties!r}')
    if ties != "expected":
        order = _order(score, ties)
        return [order[:count] if end == "top" else order[len(order) - count :]]
    signed = score if end == "top" else -score
    boundary = np.sort(signed)[-count]
    sure, tied = np.flatnonzero(signed > boundary), np.flatnonzero(signed == boundary)
    free = count - len(sure)
    if free == len(tied):
        return [np.concatenate([sure, tied])]
    return [np.concatenate([sure, stream(0, "ties", i).choice(tied, free, replace=False)]) for i in range(DRAWS)]
