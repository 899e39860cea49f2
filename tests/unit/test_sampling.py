"""What another draw of the architectures would have changed, beside a bootstrap written out."""

from functools import partial

import numpy as np
import pytest

from supernet import config, criteria, metrics
from supernet.report import references
from supernet.report.rows import GAIN, frame, side
from supernet.report.sampling import Sampling
from supernet.seeding import stream

SETTINGS = {"resolutions": [0.01], "precision_at": [0.05], "bootstrap": 60, "level": 0.9}
STUDY = config.load("full").studies["conditional-convolutions"]  # asks for top 1, 5, 10 and best 50
STUDY = STUDY.model_copy(update={"criteria": [0.2]})
RNG = np.random.default_rng(0)
TRUTH = RNG.normal(0.9, 0.05, 30)
SCORES = {(m, e): [TRUTH + RNG.normal(0, 0.05, 30) for _ in range(2)] for m in "ab" for e in ("x:loss", "y:loss")}


@pytest.fixture(scope="module")
def sampling():
    made = Sampling(TRUTH, STUDY, SETTINGS)
    for (method, estimator), seeds in SCORES.items():
        for score in seeds:
            made.add(method, estimator, 9, made.resampled(score))
    return made


def by_hand(metric, terms):
    """The half-width of a sum of means over seeds, resample by resample."""
    rows = stream(0, "bootstrap").integers(30, size=(60, 30))
    values = [sum(w * np.mean([metric(TRUTH[r], s[r]) for s in SCORES[key]]) for w, key in terms) for r in rows]
    low, high = np.quantile(values, (0.05, 0.95))
    return (high - low) / 2


@pytest.mark.parametrize(
    ("number", "metric"),
    [
        (("kendall_tau", None, None), metrics.kendall_tau),
        (("spearman", None, None), metrics.spearman),
        (("sparse_kendall_tau", "paper", 0.01), partial(metrics.sparse_kendall_tau, resolution=0.01)),
        (("precision_at_k", "expected", 0.05), partial(metrics.precision_at_k, k=0.05)),
        (("worst_ranking", "expected", 0.2), partial(criteria.worst_ranking, k=0.2)),
        (("improvement", None, 5), partial(metrics.improvement, k=5)),
        (("tau_among_best", None, 30), partial(metrics.tau_among_best, k=30)),
    ],
)
def test_means_differences_and_differences_of_scores_by_hand(sampling, number, metric):
    name, definition, resolution = number
    common = {"metric": name, "definition": definition, "resolution": resolution, "truth": "test", "epoch": 9}
    rows = {
        "mean": {"method": "a", "estimator": "x:loss"},
        "contrast": {"method": "b - a", "estimator": "x:loss"},
        "scores": {"method": "a: y:loss - x:loss"},
    }
    expected = {
        "mean": [(1, ("a", "x:loss"))],
        "contrast": [(1, ("b", "x:loss")), (-1, ("a", "x:loss"))],
        "scores": [(1, ("a", "y:loss")), (-1, ("a", "x:loss"))],
    }
    table = sampling.errors(frame({**common, **row} for row in rows.values()), "test")
    assert table["sampled"].tolist() == pytest.approx([by_hand(metric, terms) for terms in expected.values()])


def test_what_was_not_resampled_is_unknown(sampling):
    here = {"method": "a", "estimator": "x:loss", "metric": "kendall_tau", "truth": "test", "epoch": 9}
    others = [{"epoch": 8}, {"truth": "c/test"}, {"metric": "found_accuracy"}, {"method": "b@1 - a"}, {"seed": 0}]
    table = sampling.errors(frame([here, *({**here, **other} for other in others)]), "test")
    assert table["sampled"].notna().tolist() == [True, *[False] * len(others)]


def test_of_a_whole_space_nothing_was_drawn():
    made = Sampling(TRUTH, STUDY, SETTINGS)
    made.whole.add("all:loss")
    made.last["a"] = 9
    row = {"method": "a", "estimator": "all:loss", "metric": "kendall_tau", "truth": "test", "epoch": 9}
    assert made.errors(frame([row]), "test")["sampled"].tolist() == [0.0]


def test_of_an_evaluation_set_that_is_the_space_nothing_was_drawn():
    made = Sampling(TRUTH, STUDY, SETTINGS, complete=True)
    for name in "ab":
        made.add(name, "x:loss", 9, made.resampled(SCORES[name, "x:loss"][0]))
    row = {"estimator": "x:loss", "metric": "kendall_tau", "truth": "test", "epoch": 9}
    rows = [{**row, "method": "a"}, {**row, "method": "a - b"}, {**row, "method": "a", "epoch": 8}]
    assert made.errors(frame(rows), "test")["sampled"].tolist() == pytest.approx([0.0, 0.0, np.nan], nan_ok=True)


def test_a_gain_is_of_the_same_resamples():
    made, score, tau = Sampling(TRUTH, STUDY, SETTINGS), SCORES["a", "x:loss"][0], ("kendall_tau", None, None)
    references.joined("a", "both", 9, score, score, made)
    assert made.half_width([(1.0, "a", "both", tau)]) > 0
    assert made.half_width([(1.0, "a", "both" + GAIN, tau)]) == 0.0  # nothing gained


@pytest.mark.parametrize(
    ("low", "high", "sampled", "expected"),
    [
        (0.1, 0.3, None, 1),
        (0.1, 0.3, 0.15, 1),
        (0.1, 0.3, 0.18, 0),
        (-0.3, -0.1, 0.15, -1),
        (-0.1, 0.5, None, 0),
        (0.2, 0.2, None, 0),  # seeds that say the same
        (0.2, 0.2, 0.0, 1),  # and nothing else was drawn
    ],
)
def test_a_side_of_zero_is_beyond_both_errors(low, high, sampled, expected):
    """0.2 ± 0.1 and 0.15 make 0.18; with 0.18 it is 0.206."""
    row = {"value": (low + high) / 2, "low": low, "high": high, "sampled": sampled}
    assert side(row) == expected
    assert side({k: v for k, v in row.items() if k != "sampled"} | {"low": float("nan")}) == min(expected, 0)
