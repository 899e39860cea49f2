"""Intervals: over architectures inside a run by bootstrap, over seeds across runs by Student's t.

Columns are as in `supernet.metrics`, and so are the errors. `level` is the coverage aimed at, in (0, 1). The two kinds
answer different questions: the bootstrap says how far a number depends on which architectures were evaluated, the t
interval how far on the seed. Only the second, on paired differences, supports a claim of improvement (D22).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from supernet.metrics import Column, as_column, as_columns, kendall_tau, sparse_kendall_tau, spearman, truth_bins

Metric = Callable[[Column, Column], float]

# Above this many rows, (n, n) pair matrices cost more than one O(n log n) tau per resample.
PAIRWISE_LIMIT = 1000


def bootstrap(
    metric: Metric,
    truth: ArrayLike,
    score: ArrayLike,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """(value, low, high) of any metric: percentile bootstrap over architectures.

    `metric(truth, score)`, e.g. `functools.partial(precision_at_k, k=0.1)`. Resamples on which it is undefined (NaN)
    are left out. The interval covers the choice of architectures, not the seed of a run.
    """
    truth, score = as_columns(truth, score)
    value = float(metric(truth, score))
    return value, *percentiles(resampled(metric, truth, score, resamples_of(len(truth), resamples, rng)), level)


def resampled(metric: Metric, truth: ArrayLike, score: ArrayLike, rows: NDArray[np.integer]) -> Column:
    """Any metric of every resample, (B,), for rows (B, n) of indices, as `resamples_of` draws them.

    It is called once a resample, but for those in `FAST`, also as a `functools.partial`.
    """
    truth, score = as_columns(truth, score)
    function, how = (metric.func, metric.keywords) if isinstance(metric, partial) else (metric, {})
    if function in FAST and len(truth) <= PAIRWISE_LIMIT:
        return FAST[function](truth, score, rows, **how)
    return np.array([metric(truth[r], score[r]) for r in rows])


def resampled_tau(truth: ArrayLike, score: ArrayLike, rows: NDArray[np.integer]) -> Column:
    """tau-b of every resample, (B,), for rows (B, n) of indices; NaN where a resampled column is constant.

    A resample only weighs each pair of architectures by the product of their multiplicities, so the pair signs are
    computed once. Memory: three (n, n) matrices. All sums are of whole numbers, hence exact on any number of threads.
    """
    truth, score = as_columns(truth, score)
    counts = _counts(rows, len(truth))
    signs = [np.sign(column[:, None] - column[None, :]) for column in (truth, score)]
    products = (signs[0] * signs[1], np.abs(signs[0]), np.abs(signs[1]))  # P - Q, n0 - n1, n0 - n2, each (m, m)
    balance, untied_truth, untied_score = (((counts @ pairs) * counts).sum(axis=1) for pairs in products)
    with np.errstate(invalid="ignore"):  # 0 / 0: the undefined case above
        return balance / np.sqrt(untied_truth * untied_score)


def resampled_spearman(truth: ArrayLike, score: ArrayLike, rows: NDArray[np.integer]) -> Column:
    """`spearman` of every resample, (B,), for rows (B, n) of indices; NaN where a resampled column is constant.

    Ranks of a resample follow from how often each row is in it. All sums are of quarters, hence exact.
    """
    columns = as_columns(truth, score)
    counts, m = _counts(rows, len(columns[0])), len(rows[0])
    ranks = []
    for column in columns:
        below, equal = (compare(column[None, :], column[:, None]).astype(float) for compare in (np.less, np.equal))
        ranks.append(counts @ below.T + (counts @ equal.T + 1) / 2 - (m + 1) / 2)
    a, b = ranks
    products = ((counts * x * y).sum(axis=1) for x, y in ((a, b), (a, a), (b, b)))
    common, own_a, own_b = products
    with np.errstate(invalid="ignore"):  # 0 / 0: the undefined case above
        return common / np.sqrt(own_a * own_b)


def resampled_sparse(
    truth: ArrayLike,
    score: ArrayLike,
    rows: NDArray[np.integer],
    resolution: float = 1e-3,
    definition: Literal["paper", "released"] = "paper",
) -> Column:
    """`sparse_kendall_tau` of every resample, (B,), for rows (B, n) of indices; NaN where it is undefined."""
    truth, score = as_columns(truth, score)
    if definition == "paper":
        return resampled_tau(truth_bins(truth, resolution), score, rows)
    bins, drawn = np.floor(truth / resolution)[rows], score[rows]
    by_score = np.take_along_axis(bins, np.argsort(drawn, axis=1, kind="stable"), axis=1)
    predicts = drawn.min(axis=1) < drawn.max(axis=1)
    return np.array([_tau_with_sorted(each) if some else np.nan for each, some in zip(by_score, predicts, strict=True)])


def _tau_with_sorted(column: Column) -> float:
    """tau-b of a column and the same column sorted."""
    ordered = np.sort(column)
    above, sorted_above = column > column[:, None], ordered > ordered[:, None]
    untied = np.count_nonzero(above)  # as many in both
    balance = np.count_nonzero(above & sorted_above) - np.count_nonzero(above.T & sorted_above)
    return balance / untied if untied else float("nan")


FAST: Mapping[Metric, Callable[..., Column]] = {  # 8 to 30 times as fast at n = 200, S-KdT as released 4
    kendall_tau: resampled_tau,
    spearman: resampled_spearman,
    sparse_kendall_tau: resampled_sparse,
}


def t_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """(mean, low, high) over independent seeds by Student's t with n - 1 degrees of freedom; one seed: NaN bounds.

    Raises ValueError where there is no value, or one is not finite.
    """
    from scipy.special import stdtrit

    values = as_column("values", values, least=1)
    mean, n = float(values.mean()), len(values)
    if n == 1:
        return mean, float("nan"), float("nan")
    half = float(stdtrit(n - 1, (1 + _level(level)) / 2) * values.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def paired_t(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> tuple[float, float, float, int]:
    """(mean of a - b, low, high, n) over seeds: row i of both columns ran on the same random numbers.

    For m contrasts in one table, level = 1 - 0.05 / m keeps the chance of any false one at 5 % (Bonferroni).
    """
    a, b = as_columns(a, b, names=("a", "b"), least=1)
    return *t_interval(a - b, level), len(a)


def _counts(rows: NDArray[np.integer], m: int) -> NDArray[np.float64]:
    """How often each of ``m`` rows is in every resample, (B, m)."""
    b = len(rows)
    return np.bincount((rows + m * np.arange(b)[:, None]).ravel(), minlength=b * m).reshape(b, m).astype(float)


def resamples_of(n: int, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of ``resamples`` draws of ``n`` rows with replacement, (resamples, n)."""
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    return rng.integers(n, size=(resamples, n))


def percentiles(values: Column, level: float) -> tuple[float, float]:
    """The bounds between which the middle ``level`` of the values lies; NaNs are left out."""
    tail, values = (1 - _level(level)) / 2, values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, (tail, 1 - tail))
    return float(low), float(high)


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return level
