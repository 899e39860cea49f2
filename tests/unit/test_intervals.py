"""Intervals: the fast bootstrap against the slow one, Student's t against tables, and coverage."""

import math
import time
from functools import partial

import numpy as np
import pytest

from supernet import intervals, metrics


def noisy_columns(n: int, seed: int, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n).round(decimals)
    return truth, (truth + rng.normal(0, 0.3, n)).round(decimals)


def test_resampled_tau_by_hand():
    truth, score = [1, 2, 3], [1, 3, 2]
    rows = np.array([[0, 1, 2], [0, 0, 1], [1, 2, 2], [0, 1, 1], [1, 1, 1]])
    # as it is: (2 - 1) / 3; 0 and 1 agree; 1 and 2 disagree; 0 and 1 agree; one architecture only
    assert intervals.resampled_tau(truth, score, rows) == pytest.approx([1 / 3, 1, -1, 1, math.nan], nan_ok=True)


NEGATIVE = partial(metrics.sparse_kendall_tau, resolution=-1)
FAST = [
    metrics.kendall_tau,
    metrics.spearman,
    partial(metrics.sparse_kendall_tau, resolution=0.2),
    partial(metrics.sparse_kendall_tau, resolution=0.2, definition="released"),
]


@pytest.mark.parametrize("n", [2, 3, 7, 40])
@pytest.mark.parametrize("metric", FAST)
def test_fast_and_slow_metrics_agree_on_the_same_resamples(metric, n):
    truth, score = noisy_columns(n, seed=n, decimals=1)  # one decimal: many ties
    rows = np.random.default_rng(0).integers(n, size=(60, n))
    slow = [metric(truth[r], score[r]) for r in rows]
    assert intervals.resampled(metric, truth, score, rows) == pytest.approx(slow, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("metric", FAST)
def test_large_tables_go_another_way_to_the_same_interval(monkeypatch, metric):
    truth, score = noisy_columns(50, seed=4)
    fast = intervals.bootstrap(metric, truth, score, np.random.default_rng(7), resamples=100)
    monkeypatch.setattr(intervals, "PAIRWISE_LIMIT", 10)
    slow = intervals.bootstrap(metric, truth, score, np.random.default_rng(7), resamples=100)
    assert fast == pytest.approx(slow, abs=1e-12)
    assert fast[1] < fast[0] < fast[2]


def test_bootstrap_of_a_metric_by_hand():
    # two rows: a resample repeats one of them (regret 0) half of the time, else regret is 1
    value, low, high = intervals.bootstrap(metrics.regret, [0, 1], [2, 1], np.random.default_rng(0), resamples=200)
    assert (value, low, high) == (1, 0, 1)


def test_undefined_resamples_are_left_out_and_none_left_is_nan():
    # half of the resamples repeat one row, the others have tau 1
    assert intervals.bootstrap(metrics.kendall_tau, [1, 2], [1, 2], np.random.default_rng(0)) == (1, 1, 1)
    assert all(map(math.isnan, intervals.bootstrap(metrics.kendall_tau, [1, 2], [1, 1], np.random.default_rng(0))))


def test_the_generator_decides_the_bounds():
    truth, score = noisy_columns(30, seed=1)
    first, again, other = (
        intervals.bootstrap(metrics.kendall_tau, truth, score, np.random.default_rng(s)) for s in (1, 1, 2)
    )
    assert first == again != other
    wide, narrow = (
        intervals.bootstrap(metrics.kendall_tau, truth, score, np.random.default_rng(1), level=p) for p in (0.99, 0.5)
    )
    assert wide[1] < narrow[1] < narrow[2] < wide[2]


def test_a_thousand_resamples_of_two_hundred_are_quick():
    truth, score = noisy_columns(200, seed=3)
    intervals.bootstrap(metrics.kendall_tau, truth, score, np.random.default_rng(0), resamples=2)  # imports
    start = time.process_time()
    intervals.bootstrap(metrics.kendall_tau, truth, score, np.random.default_rng(0))
    assert time.process_time() - start < 1  # tens of milliseconds on an idle core; a tau per resample takes longer


def test_bootstrap_covers_the_true_tau():
    rng, correlation, hits = np.random.default_rng(5), 0.7, 0
    true = 2 / np.pi * np.arcsin(correlation)
    for _ in range(200):
        truth, other = rng.normal(size=(2, 60))
        score = correlation * truth + np.sqrt(1 - correlation**2) * other
        _, low, high = intervals.bootstrap(metrics.kendall_tau, truth, score, rng, resamples=200)
        hits += low <= true <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_t_interval_by_hand():
    # mean 2, standard deviation 1, t(0.975, 2) = 4.3027 and t(0.95, 2) = 2.9200 from tables
    assert intervals.t_interval([1, 2, 3]) == pytest.approx((2, 2 - 4.30265 / 3**0.5, 2 + 4.30265 / 3**0.5), abs=1e-4)
    assert intervals.t_interval([1, 2, 3], level=0.9)[2] == pytest.approx(2 + 2.91999 / 3**0.5, abs=1e-4)
    assert intervals.t_interval([0.5, 0.5]) == (0.5, 0.5, 0.5)
    mean, low, high = intervals.t_interval([0.7])
    assert mean == 0.7 and math.isnan(low) and math.isnan(high)


def test_t_interval_covers_with_three_seeds():
    samples = np.random.default_rng(6).normal(10, 2, size=(2000, 3))
    hits = [low <= 10 <= high for _, low, high in map(intervals.t_interval, samples)]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_paired_t_by_hand():
    # differences 1, 2, 3, whatever the seeds add to both
    mean, low, high, n = intervals.paired_t([11, 52, 33], [10, 50, 30])
    assert (mean, n) == (2, 3)
    assert (low, high) == pytest.approx((2 - 4.30265 / 3**0.5, 2 + 4.30265 / 3**0.5), abs=1e-4)
    mean, low, high, n = intervals.paired_t([0.5], [0.25])
    assert (mean, n) == (0.25, 1) and math.isnan(low) and math.isnan(high)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.t_interval([]), "values needs at least 1 value, got 0"),
        (lambda: intervals.t_interval([1, math.nan]), "values has 1 of 2"),
        (lambda: intervals.t_interval([1, 2], level=95), "level must lie between 0 and 1, got 95"),
        (lambda: intervals.paired_t([1, 2], [1]), "a and b differ in length: 2 and 1"),
        (
            lambda: intervals.bootstrap(metrics.kendall_tau, [1, 2, 3], [1, 2], np.random.default_rng(0)),
            "truth and score differ in length",
        ),
        (lambda: intervals.bootstrap(NEGATIVE, [1, 2], [1, 2], np.random.default_rng(0)), "resolution"),
        (
            lambda: intervals.bootstrap(metrics.kendall_tau, [1, 2], [1, 2], np.random.default_rng(0), resamples=0),
            "resamples",
        ),
        (lambda: intervals.bootstrap(metrics.spearman, [1, 2], [1, 2], np.random.default_rng(0), level=1), "level"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
