"""Figures of made-up rows: what stands in which panel, in which order, and where."""

import io

import pandas as pd
import pytest

from supernet.report import figures
from supernet.report.rows import frame


def method(kind: str, landmarks: str | None = None, iterations: int = 1, epochs: int = 9, start: str | None = None):
    train = {"epochs": epochs, "warmup": 3}
    return {"kind": kind, "net": {}, "train": train, "landmarks": landmarks, "iterations": iterations, "start": start}


def test_a_panel_holds_what_shares_training_and_iterations():
    methods = {
        "a": method("spos"),
        "long": method("spos", epochs=20),
        "fair": method("fairnas"),
        "a-t3": method("spos", "few", 3),
        "g": method("gdas"),
        "g-t1": method("gdas", "few"),
        "a-t1": method("spos", "many"),
    }
    assert figures.panels(methods) == {
        "a, T = 1": ["a", "a-t1"],
        "a, T = 3": ["a", "a-t3"],
        "g, T = 1": ["g", "g-t1"],
        "without landmarks": ["long", "fair"],
    }
    assert figures.panels({"a": methods["a"], "x": methods["a-t1"]}) == {"T = 1": ["a", "x"]}
    assert figures.panels({"a": methods["a"]}) == {"without landmarks": ["a"]}


def curves_of(methods: dict, ends: dict[str, float]):
    where = {"estimator": "o:loss", "metric": "sparse_kendall_tau", "definition": "paper", "resolution": 0.1}
    points = {name: {3: 0.1, 9: end} for name, end in ends.items()}
    rows = frame(
        {
            "method": name,
            "epoch": epoch,
            "value": value,
            "low": value - 0.1,
            "high": value + 0.1,
            "truth": "test",
            **where,
        }
        for name, line in points.items()
        for epoch, value in line.items()
    )
    metrics = {"resolutions": [0.1], "precision_at": [0.1]}
    return figures.curves(
        rows, {"study": {}, "methods": methods, "metrics": metrics, "task": {"score_truth": "test"}}
    ).axes[0]


def test_a_crowd_is_listed_from_best_to_worst_without_intervals():
    methods = {"base": method("spos"), **{f"m{i}": method("spos", "few", start="base") for i in range(15)}}
    ends = {name: 0.2 + 0.07 * i % 0.5 for i, name in enumerate(methods)}
    axis = curves_of(methods, ends)
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert texts == ["shared warm-up", *sorted(ends, key=ends.get, reverse=True)]
    assert not axis.collections
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in axis.get_lines()[1:17]}
    assert len(looks) == 16


def test_intervals_of_a_few_stand_side_by_side():
    methods = {"base": method("spos"), "m": method("spos", "few", start="base")}
    warm_up, *both = curves_of(methods, {"base": 0.3, "m": 0.4}).collections
    bars = {segments[0][0]: segments[:, 1].tolist() for segments in warm_up.get_segments()}
    assert bars == {3 - figures.DODGE * 9: pytest.approx([0, 0.2])}
    last = [collection.get_segments()[-1] for collection in both]
    assert [segment[:, 1].tolist() for segment in last] == [pytest.approx([0.2, 0.4]), pytest.approx([0.3, 0.5])]
    assert [segment[0][0] for segment in last] == [pytest.approx(9 - 0.045), pytest.approx(9 + 0.045)]


def test_ranks_are_drawn_in_the_order_of_the_truth():
    truth = pd.Series({"a": 0.9, "b": 0.5, "c": 0.7})
    figure = figures.ranks(truth, {"first": pd.Series({"c": 1.0, "b": 2.0, "a": 3.0})})
    assert figure.axes[0].collections[0].get_offsets().tolist() == [[1, 1], [3, 2], [2, 3]]
    assert figure.axes[0].get_title() == "first: tau = 0.33"  # two of three pairs agree, one does not
    assert io.BytesIO(figures.render(figure, "png")).read(4) == b"\x89PNG"
