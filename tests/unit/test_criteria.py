"""Criteria of estimators, by hand."""

import itertools
import math

import numpy as np
import pytest

from supernet import criteria, metrics

TRUTH = [0.9, 0.5, 0.7, 0.6, 0.8]
SCORE = [3, 5, 4, 1, 2]  # by score: 0.5, 0.7, 0.9, 0.8, 0.6
TIED = [3, 5, 3, 3, 2]  # 0.5 first, then 0.9, 0.7 and 0.6 alike, then 0.8


def test_regret_at_k_by_hand():
    truth, score = [0.9, 0.5, 0.7, 0.6], [1, 4, 3, 2]
    assert [criteria.regret_at_k(truth, score, k) for k in (1, 2, 3, 4)] == pytest.approx([0.4, 0.2, 0.2, 0])
    # 0.5 is sure; one of the other three comes second, each equally likely: 0.9, 0.7 or 0.6
    assert criteria.regret_at_k(truth, [1, 2, 1, 1], 2) == pytest.approx(0.9 - (0.9 + 0.7 + 0.6) / 3)
    # two of four: of six pairs three have 0.9 for their best, two 0.7, one 0.6
    assert criteria.regret_at_k(truth, [1, 1, 1, 1], 2) == pytest.approx(0.9 - (3 * 0.9 + 2 * 0.7 + 0.6) / 6)
    assert criteria.regret_at_k(truth, [1, 1, 1, 1], 1) == pytest.approx(metrics.regret(truth, [1, 1, 1, 1]))


def test_pearson_by_hand():
    assert criteria.pearson([1, 2, 3], [2, 4, 6]) == pytest.approx(1)
    assert criteria.pearson([0, 1, 0, 1], [0, 0, 1, 1]) == pytest.approx(0)
    assert math.isnan(criteria.pearson([1, 2], [3, 3]))


def test_pairs_are_ordered_alike_or_not_and_ties_do_not_count():
    assert criteria.pair_agreement([1, 2, 3], [2, 4, 4]) == 1.0
    assert criteria.pair_agreement([1, 2, 3], [2, 3, 1]) == pytest.approx(1 / 3)
    assert math.isnan(criteria.pair_agreement([1, 1], [1, 2]))


def test_the_bottom_is_the_top_upside_down():
    assert criteria.precision_at_bottom_k(TRUTH, SCORE, 2) == 0.5  # 0.6 is, 0.8 is not among the worst two
    assert criteria.precision_at_bottom_k(TRUTH, TRUTH, 2) == 1


@pytest.mark.parametrize(("ties", "expected"), [("stable", 0.0), ("reference", 1.0), ("expected", 1 / 3)])
def test_the_bottom_is_the_end_of_the_same_order(ties, expected):
    """Of three worst scores alike the last row in the order is the worst: with a stable sort the third one."""
    assert criteria.precision_at_bottom_k([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 2], 1, ties) == pytest.approx(expected)
    # 0.1 is the worst; beside it comes 0.2 (in order) with a stable sort, 0.05 (out of order) with the released one
    tau = {"stable": 1.0, "reference": -1.0, "expected": 0.0}[ties]
    assert criteria.tau_within([0.1, 0.05, 0.2, 0.4], [1, 2, 2, 3], 2, "bottom", ties) == pytest.approx(tau, abs=0.3)


def test_tau_inside_the_predicted_set():
    assert criteria.tau_within(TRUTH, SCORE, 3) == pytest.approx(-1)  # 0.5, 0.7, 0.9
    assert criteria.tau_within(TRUTH, SCORE, 3, "bottom") == pytest.approx(1)  # 0.9, 0.8, 0.6
    assert math.isnan(criteria.tau_within(TRUTH, SCORE, 1))
    by_hand = np.mean([metrics.kendall_tau([0.5, other], [5, 3]) for other in (0.9, 0.7, 0.6)])
    assert criteria.tau_within(TRUTH, TIED, 2) == pytest.approx(by_hand)  # -1 in each of the three ways
    assert criteria.tau_within(TRUTH, TIED, 2, ties="stable") == pytest.approx(-1)


def test_ranks_of_the_best_and_the_worst_of_the_predicted_set():
    assert criteria.best_ranking(TRUTH, SCORE, 2) == 3 / 5  # 0.7 is the third
    assert criteria.worst_ranking(TRUTH, SCORE, 3) == 5 / 5
    assert criteria.best_ranking(TRUTH, SCORE, 0.6) == 1 / 5
    assert math.isnan(criteria.best_ranking(TRUTH, SCORE, 0.1))
    assert criteria.best_accuracy(TRUTH, SCORE, 2) == 0.7 and criteria.worst_accuracy(TRUTH, SCORE, 2) == 0.5
    assert criteria.best_ranking(TRUTH, TIED, 2) == pytest.approx((1 + 3 + 4) / 3 / 5)
    assert criteria.best_ranking(TRUTH, TIED, 2, "stable") == 1 / 5


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("criterion", "values", "extreme"),
    [
        (criteria.best_accuracy, TRUTH, max),
        (criteria.worst_accuracy, TRUTH, min),
        (lambda t, s, k: 5 * criteria.best_ranking(t, s, k), [1, 5, 3, 4, 2], min),
        (lambda t, s, k: 5 * criteria.worst_ranking(t, s, k), [1, 5, 3, 4, 2], max),
    ],
)
def test_expected_extremes_are_the_mean_over_all_ways(criterion, values, extreme, k):
    ways = set()
    for order in itertools.permutations(range(5)):
        if all(TIED[a] >= TIED[b] for a, b in itertools.pairwise(order)):
            ways.add(order)
    expected = np.mean([extreme(values[i] for i in order[:k]) for order in ways])
    assert criterion(TRUTH, TIED, k) == pytest.approx(expected)


def test_levels_are_rows_of_equal_coarse_score():
    taus, levels = criteria.intra_level_tau([1, 2, 3, 4, 5, 5], [0, 0, 0, 1, 2, 2], [1, 3, 2, 9, 1, 2])
    assert levels == 2 and taus.tolist() == pytest.approx([1 / 3])  # equal truths of the last level say nothing


def test_over_estimated_rows_have_a_positive_difference():
    difference = criteria.ranking_difference(TRUTH, SCORE)
    assert difference.tolist() == pytest.approx([(1 - 3) / 5, (5 - 1) / 5, (3 - 2) / 5, (4 - 5) / 5, (2 - 4) / 5])
    groups = criteria.by_complexity(TRUTH, SCORE, [5, 4, 3, 2, 1], groups=2)
    assert groups[0][0] == pytest.approx((-2 - 1 + 1) / 3 / 5) and groups[1][0] == pytest.approx((4 - 2) / 2 / 5)
    assert groups[0][1] == pytest.approx(metrics.kendall_tau([0.8, 0.6, 0.7], [2, 1, 4]))
    assert criteria.by_complexity(TRUTH, SCORE, [1, 1, 1, 1, 1], groups=5)[0][0] == pytest.approx(-2 / 5)
    with pytest.raises(ValueError, match="groups must be"):
        criteria.by_complexity(TRUTH, SCORE, TRUTH, groups=6)


def test_single_mutations_show_which_option_is_over_estimated():
    archs = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 2)]
    truth, score = [0.1, 0.2, 0.3, 0.2, 0.9], [1, 2, 2, 3, 0]
    bias = criteria.operation_bias(archs, truth, score)
    # (0,0)->(1,0) +, (0,0)->(0,1) +, (1,0)->(1,1) =, (0,1)->(1,1) -; every score rises
    assert bias == {(0, 1): (pytest.approx((1 + 1 + 0.5 + 0) / 4), 1.0, 4)}


def test_an_unknown_policy_is_one_line():
    with pytest.raises(ValueError, match="ties must be"):
        criteria.best_ranking(TRUTH, SCORE, 2, "random")
