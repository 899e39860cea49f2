"""Rank metrics: pure functions of two columns.

A column is anything numpy reads as a 1-D float array: `truth` (n,) holds stand-alone performance (accuracies as
fractions), `score` (n,) what an estimator says of the same architectures, in the same order; higher is better in both.
Every function raises `ValueError` with one line on columns of unequal length, fewer than two rows, or a value that is
not finite. A correlation with a constant column is undefined: NaN, no warning.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Column = NDArray[np.float64]


def kendall_tau(truth: ArrayLike, score: ArrayLike) -> float:
    """Kendall's tau-b: (P - Q) / sqrt((n0 - n1)(n0 - n2)), n1 and n2 the pairs tied in either column.

    In [-1, 1]; NaN where a column is constant. Source: Kendall 1945, "The treatment of ties in ranking problems".
    """
    from scipy.stats import kendalltau  # a second of import, so only where a number is asked for

    truth, score = as_columns(truth, score)
    return float(kendalltau(truth, score).statistic)


def spearman(truth: ArrayLike, score: ArrayLike) -> float:
    """Spearman's rho: Pearson's correlation of the ranks, ties at their average rank.

    In [-1, 1]; NaN where a column is constant.
    """
    truth, score = as_columns(truth, score)
    if _constant(truth) or _constant(score):
        return float("nan")
    return float(np.corrcoef(ranks(truth), ranks(score))[0, 1])


def sparse_kendall_tau(
    truth: ArrayLike,
    score: ArrayLike,
    resolution: float = 1e-3,
    definition: Literal["paper", "released"] = "paper",
) -> float:
    """S-KdT (D15): Kendall tau-b that forgives order inside a bin of the truth, `resolution` wide (unit of `truth`).

    * `paper`: tau-b of the score with the binned truth, see `truth_bins`. The score is not binned.
    * `released`: what the authors' code computes. The bins, listed in the order of the score, are compared with the
      same bins sorted; the predicted ranking so inherits the sizes of the true bins, which makes the value larger.
      Its bins are plain floors. Equal scores stay in row order (a stable sort; theirs leaves it to the platform), so
      with tied scores this value depends on the order of the rows.

    NaN where the score is constant or one bin holds all. Raises ValueError on an unknown definition or a resolution
    that is not positive. Source: Yu et al. 2021, "Landmark regularization", and its released code.
    """
    truth, score = as_columns(truth, score)
    if definition == "paper":
        return kendall_tau(truth_bins(truth, resolution), score)
    if definition != "released":
        raise ValueError(f'definition must be "paper" or "released", got {definition!r}')
    if _constant(score):  # nothing is predicted; a stable sort would score the order of the rows
        return float("nan")
    bins = np.floor(truth / _positive(resolution))
    return kendall_tau(np.sort(bins), bins[np.argsort(score, kind="stable")])


def truth_bins(truth: ArrayLike, resolution: float = 1e-3) -> Column:
    """Bin number of every value, (n,): floor(truth / resolution + 1e-9).

    The epsilon keeps a value on the grid in its own bin: 0.938 / 0.001 is 937.99… in floating point. It is made for
    float64; accuracies that were ever stored as float32 are off by more than it absorbs.
    """
    return np.floor(as_column("truth", truth) / _positive(resolution) + 1e-9)


def precision_at_k(
    truth: ArrayLike,
    score: ArrayLike,
    k: float | int = 0.05,
    ties: Literal["expected", "stable", "reference"] = "expected",
) -> float:
    """P@top-k: the part of the k best by score that is among the k best by truth. In [0, 1].

    k: a float is a fraction of the rows, in (0, 1], rounded down (NaN where that leaves none); an int is a count.
    ties decides who is in where equal values straddle the k-th place:
    * `expected`: mean over all ways of breaking ties, independently in both columns, in closed form;
    * `stable`: the earlier row first, in both columns;
    * `reference`: as the evaluation study's code, reversed `numpy.argsort`, which may differ between processors.
    The last two depend on the order of the rows. Constant columns are no special case: expected, they give k / n.
    Raises ValueError on an impossible k or an unknown policy. Source: Ning et al. 2021, "Evaluating efficient
    performance estimators".
    """
    truth, score = as_columns(truth, score)
    if ties not in ("expected", "stable", "reference"):
        raise ValueError(f'ties must be "expected", "stable" or "reference", got {ties!r}')
    count = chosen_count(k, len(truth))
    if count == 0:
        return float("nan")
    return float(_membership(truth, count, ties) @ _membership(score, count, ties)) / count


def regret(truth: ArrayLike, score: ArrayLike, best: float | None = None) -> float:
    """Best possible truth minus the truth of the architecture with the highest score, in the unit of `truth`.

    Several highest scores: the expected value of picking one at random. `best` defaults to max(truth), and regret is
    then >= 0; with the best of another set of architectures it is negative where the pick beats that set.
    """
    truth, score = as_columns(truth, score)
    picked = truth[score == score.max()].mean()
    return float((truth.max() if best is None else best) - picked)


def top_accuracy(truth: ArrayLike, score: ArrayLike, k: int) -> float:
    """Mean truth of the `k` architectures with the highest scores, in the unit of `truth`.

    Where scores tie for the last places: the expected value of filling them at random. Raises ValueError unless
    1 <= k <= n. Source: Laube et al. 2022, "Conditional super-network weights", A_N.
    """
    truth, score = as_columns(truth, score)
    count = chosen_count(int(k), len(truth))
    return float(_membership(score, count, "expected") @ truth) / count


def improvement(truth: ArrayLike, score: ArrayLike, k: int) -> float:
    """`top_accuracy` on a scale where 0 is the mean of all architectures and 1 the best of them; NaN if all are equal.

    Source: Laube et al. 2022, normalised improvement I_N.
    """
    truth, score = as_columns(truth, score)
    if _constant(truth):
        return float("nan")
    mean = truth.mean()
    return float((top_accuracy(truth, score, k) - mean) / (truth.max() - mean))


def tau_among_best(truth: ArrayLike, score: ArrayLike, k: int) -> float:
    """`kendall_tau` of the `k` architectures with the highest truth; of equal truths the earlier rows are taken.

    Raises ValueError unless 2 <= k <= n. Source: Laube et al. 2022, KT 50.
    """
    truth, score = as_columns(truth, score)
    best = np.argsort(-truth, kind="stable")[: chosen_count(int(k), len(truth))]
    return kendall_tau(truth[best], score[best])


def rank_of(value: float, population: ArrayLike) -> int:
    """Rank of `value` among `population` (n,), higher is better: 1 is the best, ties get the best rank of the tie."""
    if not np.isfinite(value):
        raise ValueError(f"value must be finite, got {value}")
    return 1 + int(np.count_nonzero(as_column("population", population, least=1) > value))


def replicate_tau(a: ArrayLike, b: ArrayLike) -> float:
    """Agreement (tau-b) of two independent stand-alone trainings of the same architectures, (n,) each."""
    a, b = as_columns(a, b, names=("a", "b"))
    return kendall_tau(a, b)


def ceiling_from_replicates(tau: float, replicates: int = 1) -> float:
    """Highest tau that a perfect predictor can have with a truth that is the mean of `replicates` trainings.

    tau: agreement of two single trainings (`replicate_tau`). In turn: Greiner's relation r = sin(pi tau / 2) gives the
    reliability of one training; Spearman-Brown R = m r / (1 + (m - 1) r) that of the mean of m; sqrt(R) is the
    correlation of that mean with the noiseless truth (attenuation); and tau = 2 / pi asin(sqrt(R)) leads back.
    Assumes that noiseless truth and noise are normal, and noise independent of the architecture, of one variance, and
    independent between trainings. Early-stopped, skewed or heteroscedastic accuracies make it a guide, not a bound.
    tau <= 0 shows no signal: 0. NaN stays NaN. Raises ValueError on tau outside [-1, 1] or replicates < 1.
    """
    if abs(tau) > 1:
        raise ValueError(f"tau must lie in [-1, 1], got {tau}")
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, got {replicates}")
    if np.isnan(tau):
        return float("nan")
    single = max(0.0, np.sin(np.pi * tau / 2))
    mean = replicates * single / (1 + (replicates - 1) * single)
    return float(2 / np.pi * np.arcsin(np.sqrt(mean)))


def as_column(name: str, values: ArrayLike, least: int = 2) -> Column:
    """One column (n,) of finite float64, n >= least; else ValueError naming it."""
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"{name} must be one column, got shape {column.shape}")
    if len(column) < least:
        raise ValueError(f"{name} needs at least {least} value{'s' * (least > 1)}, got {len(column)}")
    if bad := np.count_nonzero(~np.isfinite(column)):
        raise ValueError(f"{name} has {bad} of {len(column)} values that are not finite numbers")
    return column


def as_columns(
    first: ArrayLike, second: ArrayLike, names: tuple[str, str] = ("truth", "score"), least: int = 2
) -> tuple[Column, Column]:
    """Two columns of equal length, each as `as_column` wants it."""
    columns = as_column(names[0], first, least), as_column(names[1], second, least)
    if len(columns[0]) != len(columns[1]):
        raise ValueError(f"{names[0]} and {names[1]} differ in length: {len(columns[0])} and {len(columns[1])}")
    return columns


def _constant(column: Column) -> bool:
    return bool(column.min() == column.max())


def _positive(resolution: float) -> float:
    if not (np.isfinite(resolution) and resolution > 0):
        raise ValueError(f"resolution must be a positive number, got {resolution}")
    return resolution


def ranks(column: Column) -> Column:
    """Ranks (n,), 1 for the lowest value; ties at their average rank."""
    _, group, sizes = np.unique(column, return_inverse=True, return_counts=True)
    return (np.cumsum(sizes) - (sizes - 1) / 2)[group]


def chosen_count(k: float | int, n: int) -> int:
    """How many of ``n`` rows ``k`` means, a fraction in (0, 1] or a count; ValueError for another one."""
    if isinstance(k, int | np.integer) and not isinstance(k, bool) and 1 <= k <= n:
        return int(k)
    if isinstance(k, float) and 0 < k <= 1:
        return int(k * n + 1e-9)  # 0.29 of 100 is 29, not the 28.99… of floating point
    raise ValueError(f"k must be a fraction in (0, 1] or a count from 1 to {n}, got {k!r}")


def _membership(column: Column, count: int, ties: str) -> Column:
    """Probability (n,) that each row is among the `count` highest."""
    if ties == "expected":
        boundary = np.sort(column)[-count]
        above, tied = column > boundary, column == boundary
        return above + tied * ((count - above.sum()) / tied.sum())
    order = np.argsort(-column, kind="stable") if ties == "stable" else np.argsort(column)[::-1]
    return np.isin(np.arange(len(column)), order[:count]).astype(np.float64)
