"""Rank metrics: numbers worked out by hand, agreement with scipy, and what must hold for any columns."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supernet import metrics

few_values = st.integers(min_value=2, max_value=25).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 6), min_size=n, max_size=n) for _ in range(2)])
)


def tied_columns(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 80))
    return rng.integers(0, rng.integers(2, 30), n) / 8, rng.integers(0, rng.integers(2, 30), n) / 8


# Kendall and Spearman


def test_kendall_tau_by_hand():
    assert metrics.kendall_tau([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx((5 - 1) / 6)
    # one tied pair in each column: P = 4, Q = 0, (6 - 1)(6 - 1) under the root
    assert metrics.kendall_tau([1, 2, 2, 3], [1, 2, 3, 3]) == pytest.approx(4 / 5)
    assert metrics.kendall_tau([1, 2, 3], [3, 2, 1]) == -1


def test_spearman_by_hand():
    assert metrics.spearman([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(1 - 6 * 2 / (4 * 15))
    # ranks 1, 2.5, 2.5, 4 and 1, 2, 3.5, 3.5: sums of products 3.75, of squares 4.5 and 4.5
    assert metrics.spearman([1, 2, 2, 3], [1, 2, 3, 3]) == pytest.approx(3.75 / 4.5)


@pytest.mark.parametrize("seed", range(30))
def test_agreement_with_scipy_under_ties(seed):
    truth, score = tied_columns(seed)
    assert metrics.kendall_tau(truth, score) == pytest.approx(scipy.stats.kendalltau(truth, score).statistic, abs=1e-12)
    assert metrics.spearman(truth, score) == pytest.approx(scipy.stats.spearmanr(truth, score).statistic, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(few_values)
def test_correlations_are_odd_symmetric_and_depend_on_order_alone(columns):
    truth, score = map(np.array, columns)
    assume(np.ptp(truth) and np.ptp(score))
    for metric in (metrics.kendall_tau, metrics.spearman):
        value = metric(truth, score)
        assert metric(score, truth) == pytest.approx(value)
        assert metric(truth, -score) == pytest.approx(-value)
        assert metric(truth, np.exp(score)) == pytest.approx(value)
        assert metric(truth[::-1], score[::-1]) == pytest.approx(value)
        assert -1 <= value <= 1


@pytest.mark.parametrize(
    "metric",
    [
        metrics.kendall_tau,
        metrics.spearman,
        metrics.sparse_kendall_tau,
        lambda truth, score: metrics.sparse_kendall_tau(truth, score, definition="released"),
    ],
)
def test_a_constant_column_is_undefined_without_a_warning(metric):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(metric([0.5, 0.5, 0.5], [1, 2, 3]))
        assert math.isnan(metric([0.1, 0.2, 0.3], [1, 1, 1]))


# S-KdT


def test_sparse_kendall_tau_by_hand():
    truth = [0.9381, 0.9385, 0.9402, 0.95]  # bins 938, 938, 940, 950
    # paper: the pair in one bin counts for nothing, the other five agree; the score has no ties
    assert metrics.sparse_kendall_tau(truth, [2, 1, 3, 4]) == pytest.approx(5 / math.sqrt(5 * 6))
    assert metrics.sparse_kendall_tau(truth, [3, 1, 2, 4]) == pytest.approx((4 - 1) / math.sqrt(5 * 6))
    # released: bins in score order are 938, 938, 940, 950, as sorted; then 938, 940, 938, 950: P = 3, Q = 1
    assert metrics.sparse_kendall_tau(truth, [2, 1, 3, 4], definition="released") == pytest.approx(1)
    assert metrics.sparse_kendall_tau(truth, [3, 1, 2, 4], definition="released") == pytest.approx(
        (3 - 1) / (5 * 5) ** 0.5
    )


def test_released_breaks_equal_scores_by_row():
    # rows 0 and 1 tie in score: read as they stand, 1 < 2 < 3 is the true order; swapped, one pair of three is wrong
    assert metrics.sparse_kendall_tau([1, 2, 3], [5, 5, 6], resolution=1, definition="released") == pytest.approx(1)
    assert metrics.sparse_kendall_tau([2, 1, 3], [5, 5, 6], resolution=1, definition="released") == pytest.approx(1 / 3)


def test_paper_bins_keep_grid_values_and_released_bins_lose_some():
    grid = np.arange(1000) / 1000
    assert metrics.truth_bins(grid).tolist() == list(range(1000))
    assert metrics.truth_bins([0.9389999, -0.0005]).tolist() == [938, -1]
    truth, score = [0.938, 0.9385, 0.95], [1, 2, 3]  # 0.938 / 0.001 = 937.99…
    assert metrics.sparse_kendall_tau(truth, score) == pytest.approx(2 / math.sqrt(2 * 3))
    assert metrics.sparse_kendall_tau(truth, [2, 1, 3], definition="released") == pytest.approx(1 / 3)


def test_sparse_kendall_tau_reaches_tau_at_fine_resolution():
    rng = np.random.default_rng(0)
    truth = rng.random(60)
    score = truth + rng.normal(0, 0.2, 60)
    tau = metrics.kendall_tau(truth, score)
    for definition in ("paper", "released"):
        assert metrics.sparse_kendall_tau(truth, score, 1e-9, definition) == pytest.approx(tau)
        assert metrics.sparse_kendall_tau(truth, score, 0.1, definition) != pytest.approx(tau, abs=1e-3)


# P@top-k


def test_precision_at_k_by_hand():
    truth = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    score = [9, 1, 7, 2, 8, 3, 4, 5, 6, 0]  # best three: rows 0, 4, 2
    assert metrics.precision_at_k(truth, score, k=3) == pytest.approx(2 / 3)
    assert metrics.precision_at_k(truth, score, k=0.39) == pytest.approx(2 / 3)  # rounded down
    assert metrics.precision_at_k(truth, score, k=1) == 1  # a count
    assert metrics.precision_at_k(truth, score, k=1.0) == 1  # a fraction: everything
    assert math.isnan(metrics.precision_at_k(truth, score, k=0.05))  # half a row


def test_precision_fraction_is_free_of_floating_point():
    truth = np.arange(100)
    score = np.where(truth >= 72, truth, -truth)  # 28 right, then from the wrong end
    assert metrics.precision_at_k(truth, score, k=0.28) == 1
    assert metrics.precision_at_k(truth, score, k=0.29) == pytest.approx(28 / 29)  # 0.29 * 100 = 28.99…


def test_precision_under_ties_by_hand():
    truth, score = [4, 3, 2, 1], [1, 2, 1, 1]
    # two places: row 1 for certain, one of the other three for the second; row 0 gets it a third of the time
    assert metrics.precision_at_k(truth, score, k=2, ties="expected") == pytest.approx((1 + 1 / 3) / 2)
    assert metrics.precision_at_k(truth, score, k=2, ties="stable") == 1  # rows 1 and 0
    assert metrics.precision_at_k(truth, score, k=2, ties="reference") == 0.5  # rows 1 and 3: the reversed argsort
    # ties on both sides: weights 1, 1/2, 1/2 and 1/2, 1, 1/2
    assert metrics.precision_at_k([3, 2, 2], [2, 3, 2], k=2) == pytest.approx((0.5 + 0.5 + 0.25) / 2)
    assert metrics.precision_at_k([1, 2, 3, 4], [0, 0, 0, 0], k=1) == pytest.approx(1 / 4)


def test_expected_precision_is_the_mean_over_random_tie_breaking():
    rng = np.random.default_rng(1)
    truth, score = rng.integers(0, 5, 30), rng.integers(0, 4, 30)
    broken = [
        metrics.precision_at_k(truth + rng.random(30) / 2, score + rng.random(30) / 2, k=8, ties="stable")
        for _ in range(3000)
    ]
    assert metrics.precision_at_k(truth, score, k=8) == pytest.approx(
        np.mean(broken), abs=5 * np.std(broken) / 3000**0.5
    )


@settings(max_examples=60, deadline=None)
@given(few_values, st.data())
def test_precision_policies_agree_without_ties_and_expected_ignores_row_order(columns, data):
    truth, score = map(np.array, columns)
    k = data.draw(st.integers(1, len(truth)))
    assert metrics.precision_at_k(truth[::-1], score[::-1], k) == pytest.approx(metrics.precision_at_k(truth, score, k))
    untied = (truth + np.arange(len(truth)) / 100, score - np.arange(len(score)) / 100)
    values = [metrics.precision_at_k(*untied, k, ties) for ties in ("expected", "stable", "reference")]
    assert values == pytest.approx([values[0]] * 3)
    assert 0 <= values[0] <= 1


# Regret and rank


def test_regret_by_hand():
    truth = [0.90, 0.94, 0.92]
    assert metrics.regret(truth, [1, 2, 3]) == pytest.approx(0.02)
    assert metrics.regret(truth, [1, 3, 2]) == 0
    assert metrics.regret(truth, [3, 1, 3]) == pytest.approx(0.94 - 0.91)  # one of two at random
    assert metrics.regret(truth, [1, 2, 3], best=0.95) == pytest.approx(0.03)
    assert metrics.regret(truth, [1, 2, 3], best=0.91) == pytest.approx(-0.01)


def test_rank_of_by_hand():
    population = [0.5, 0.7, 0.7, 0.9]
    assert [metrics.rank_of(value, population) for value in (0.95, 0.9, 0.7, 0.6, 0.5, 0.1)] == [1, 1, 2, 4, 4, 5]


# Replicates


def test_replicate_tau_is_tau_b():
    assert metrics.replicate_tau([1, 2, 2, 3], [1, 2, 3, 3]) == pytest.approx(4 / 5)


def test_ceiling_by_hand():
    # tau = 1/3: r = sin(30°) = 1/2; one training: 2/pi asin(sqrt(1/2)) = 2/pi * 45° = 1/2
    assert metrics.ceiling_from_replicates(1 / 3) == pytest.approx(0.5)
    # three: R = 3/2 / (1 + 2/2) = 3/4; asin(sqrt(3)/2) = 60°
    assert metrics.ceiling_from_replicates(1 / 3, replicates=3) == pytest.approx(2 / 3)
    assert metrics.ceiling_from_replicates(1.0, replicates=2) == pytest.approx(1)
    assert metrics.ceiling_from_replicates(0.0) == metrics.ceiling_from_replicates(-0.2) == 0
    assert math.isnan(metrics.ceiling_from_replicates(math.nan))


@pytest.mark.parametrize(("noise", "replicates"), [(0.5, 1), (1.0, 2), (1.0, 4)])
def test_ceiling_is_what_a_perfect_predictor_gets(noise, replicates):
    rng = np.random.default_rng(2)
    true = rng.normal(size=20_000)
    trainings = true + rng.normal(0, noise, size=(replicates + 2, 20_000))
    ceiling = metrics.ceiling_from_replicates(metrics.replicate_tau(*trainings[:2]), replicates)
    assert metrics.kendall_tau(trainings[2:].mean(axis=0), true) == pytest.approx(ceiling, abs=0.01)


# Bad input


@pytest.mark.parametrize(
    ("truth", "score", "message"),
    [
        ([1, 2, 3], [1, 2], "truth and score differ in length: 3 and 2"),
        ([1], [1], "truth needs at least 2 values, got 1"),
        ([1, 2], [1, math.nan], "score has 1 of 2 values that are not finite numbers"),
        ([math.inf, 2], [1, 2], "truth has 1 of 2 values that are not finite numbers"),
        ([[1, 2]], [1, 2], r"truth must be one column, got shape \(1, 2\)"),
    ],
)
@pytest.mark.parametrize(
    "metric",
    [metrics.kendall_tau, metrics.spearman, metrics.sparse_kendall_tau, metrics.precision_at_k, metrics.regret],
)
def test_bad_columns_are_one_clear_line(metric, truth, score, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        metric(truth, score)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.sparse_kendall_tau([1, 2], [1, 2], definition="rounded"), "definition"),
        (lambda: metrics.sparse_kendall_tau([1, 2], [1, 2], resolution=0), "resolution"),
        (lambda: metrics.sparse_kendall_tau([1, 2], [1, 2], resolution=math.nan, definition="released"), "resolution"),
        (lambda: metrics.precision_at_k([1, 2], [1, 2], k=0), "k must"),
        (lambda: metrics.precision_at_k([1, 2], [1, 2], k=3), "k must"),
        (lambda: metrics.precision_at_k([1, 2], [1, 2], k=1.5), "k must"),
        (lambda: metrics.precision_at_k([1, 2], [1, 2], k=True), "k must"),
        (lambda: metrics.precision_at_k([1, 2], [1, 2], k=1, ties="random"), "ties"),
        (lambda: metrics.rank_of(math.nan, [1, 2]), "value"),
        (lambda: metrics.rank_of(1, []), "population needs at least 1 value, got 0"),
        (lambda: metrics.replicate_tau([1, 2, 3], [1, 2]), "a and b differ"),
        (lambda: metrics.ceiling_from_replicates(1.1), "tau"),
        (lambda: metrics.ceiling_from_replicates(0.5, replicates=0), "replicates"),
    ],
)
def test_bad_settings_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_import_needs_neither_torch_nor_scipy():
    code = "import supernet.intervals, sys; assert not {'torch', 'scipy', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_what_the_best_scored_are_worth_by_hand():
    truth, score = [0.9, 0.5, 0.7, 0.6], [3, 4, 1, 1]
    assert [metrics.top_accuracy(truth, score, k) for k in (1, 2, 4)] == pytest.approx([0.5, 0.7, 0.675])
    assert metrics.top_accuracy(truth, score, 3) == pytest.approx((0.5 + 0.9 + (0.7 + 0.6) / 2) / 3)  # 3rd place: a tie
    assert metrics.improvement(truth, score, 1) == pytest.approx((0.5 - 0.675) / (0.9 - 0.675))
    assert metrics.improvement(truth, truth, 1) == pytest.approx(1)
    assert metrics.improvement(truth, score, 4) == pytest.approx(0)
    assert np.isnan(metrics.improvement([0.5, 0.5], [1, 2], 1))
    for k in (0, 5):
        with pytest.raises(ValueError, match="k must be"):
            metrics.top_accuracy(truth, score, k)


def test_tau_among_the_best_by_hand():
    truth = [0.1, 0.9, 0.5, 0.7, 0.6]
    assert metrics.tau_among_best(truth, [9, 3, 0, 1, 2], 3) == pytest.approx(
        1 / 3
    )  # of 0.9, 0.7, 0.6 one pair is wrong
    assert metrics.tau_among_best(truth, truth, 5) == pytest.approx(1)
    assert metrics.tau_among_best([0.5, 0.4, 0.4], [2, 1, 3], 2) == pytest.approx(1)  # of equal ones the earlier row
