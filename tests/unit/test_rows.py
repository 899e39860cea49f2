"""Rows of numbers: metrics, intervals over seeds, and paired differences, by hand."""

import numpy as np
import pandas as pd
import pytest

from supernet import intervals
from supernet.report.rows import (
    COLUMNS,
    best_of_seeds,
    contrasts,
    frame,
    over_seeds,
    rank_rows,
    search_contrasts,
    select,
)

SETTINGS = {"resolutions": [0.001, 0.01], "precision_at": [0.5], "bootstrap": 30, "level": 0.95}
TRUTH = np.array([0.1, 0.2, 0.3, 0.4])


def runs(values: dict[str, list[float]], **more) -> pd.DataFrame:
    return frame(
        {"method": m, "seed": s, "epoch": 9, "metric": "kendall_tau", "value": v, "n": 4, **more}
        for m, column in values.items()
        for s, v in enumerate(column)
    )


def test_rank_rows_hold_every_metric_definition_and_resolution():
    rows = rank_rows(TRUTH, np.array([1.0, 2.0, 4.0, 3.0]), SETTINGS, {})
    keys = {(r["metric"], r["definition"], r["resolution"]): r["value"] for r in rows}
    assert len(keys) == 7
    assert keys["kendall_tau", None, None] == pytest.approx(4 / 6)  # one of six pairs is the wrong way round
    assert keys["spearman", None, None] == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert keys["sparse_kendall_tau", "paper", 0.01] == pytest.approx(4 / 6)
    assert keys["sparse_kendall_tau", "released", 0.001] == pytest.approx(4 / 6)
    assert keys["precision_at_k", "expected", 0.5] == 1
    assert all(np.isnan(r["low"]) and r["n"] == 4 for r in rows)


def test_what_is_resampled_is_bounded():
    values = {("kendall_tau", None, None): np.array([0.0, 0.5, np.nan, 1.0])}
    tau, *others = rank_rows(TRUTH, np.array([1.0, 2.0, 4.0, 3.0]), SETTINGS | {"level": 0.5}, values)
    assert (tau["low"], tau["high"]) == (0.25, 0.75)  # of what is defined
    assert all(np.isnan([row["low"], row["high"]]).all() for row in others)


def test_over_seeds_is_the_mean_with_a_t_interval():
    (row,) = over_seeds(runs({"a": [0.1, 0.2, 0.3]}), 0.95).to_dict("records")
    half = 4.302652729911275 * 0.1 / np.sqrt(3)  # t(0.975, 2) * s / sqrt(n)
    assert (row["value"], row["low"], row["high"]) == pytest.approx((0.2, 0.2 - half, 0.2 + half))
    assert row["n"] == 3
    assert pd.isna(row["seed"])


def test_a_mean_is_undefined_where_a_seed_is():
    (row,) = over_seeds(runs({"a": [0.1, float("nan")]}), 0.95).to_dict("records")
    assert np.isnan(row["value"])


def test_the_best_of_the_seeds_by_hand():
    """The highest accuracy and the lowest rank, each of its own method and truth, without an interval."""
    made = [
        {"method": m, "seed": s, "metric": metric, "value": v, "truth": t}
        for metric, values in (("found_accuracy", (0.8, 0.9, 0.7)), ("found_rank", (4.0, 2.0, 9.0)))
        for m, shift in (("a", 0.0), ("b", 0.05))
        for t in ("test", "cifar100/test")
        for s, v in enumerate(np.array(values) + shift)
    ]
    best = best_of_seeds(frame(made)).set_index(["method", "metric", "truth"])
    assert len(best) == 8 and best["low"].isna().all() and best["seed"].isna().all() and (best["n"] == 3).all()
    assert best.loc[("a", "best_found_accuracy", "test"), "value"] == 0.9
    assert best.loc[("b", "best_found_rank", "cifar100/test"), "value"] == 2.05


def test_contrasts_pair_the_seeds():
    table = contrasts(runs({"a": [0.5, 0.7, 0.9], "b": [0.4, 0.5, 0.6]}), [["a", "b"]], 0.95)
    (row,) = table.to_dict("records")
    assert row["method"] == "a - b"
    assert (row["value"], row["n"], row["epoch"]) == (pytest.approx(0.2), 3, 9)
    half = 4.302652729911275 * 0.1 / np.sqrt(3)  # differences 0.1, 0.2, 0.3
    assert (row["low"], row["high"]) == (pytest.approx(0.2 - half), pytest.approx(0.2 + half))


def test_searches_are_compared_to_the_first_one_seed_by_seed():
    made = [
        {
            "method": "a",
            "searcher": name,
            "seed": s,
            "metric": "found_accuracy",
            "value": v,
            "truth": "test",
            "epoch": 60,
        }
        for name, values in (("first", (0.5, 0.6, 0.7)), ("second", (0.6, 0.8, 0.7)))
        for s, v in enumerate(values)
    ]
    (row,) = search_contrasts(frame(made), ["first", "second"], 0.95).to_dict("records")
    mean, low, high = intervals.t_interval(np.array([0.1, 0.2, 0.0]), 0.95)
    assert (row["method"], row["searcher"], row["n"]) == ("a", "second - first", 3) and pd.isna(row["seed"])
    assert [row["value"], row["low"], row["high"]] == pytest.approx([mean, low, high])
    assert search_contrasts(frame(made), ["first"], 0.95).empty


def test_contrasts_use_the_end_of_training_only():
    early = runs({"a": [9.0, 9.0]}).assign(epoch=1).astype({"epoch": "Int64"})
    table = contrasts(pd.concat([early, runs({"a": [0.5, 0.6], "b": [0.4, 0.4]})]), [["a", "b"]], 0.95)
    assert table["value"].tolist() == [pytest.approx(0.15)]


def test_columns_are_the_documented_ones_and_select_knows_nulls():
    table = runs({"a": [0.1, 0.2]}, definition=None)
    assert tuple(table.columns) == COLUMNS
    assert len(select(table, definition=None, seed=1)) == 1
    assert select(table, method="b").empty
