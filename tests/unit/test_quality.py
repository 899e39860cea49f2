"""Rank quality against seconds, from made-up scores and costs."""

import numpy as np
import pandas as pd
import pytest
import tiny

from supernet import config, criteria, metrics, paths, plan, records
from supernet.errors import UserError
from supernet.report import costs, figures, quality

STUDY, TASK = "zero-shot", "nasbench201-cifar10"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The study, with a method that has landmarks, and costs of all its jobs: 100 s a segment, 8 s a score file."""
    monkeypatch.chdir(tmp_path)
    chosen = tiny.only(tiny.load(tmp_path, "reduced", bootstrap=2), STUDY)
    study = chosen.studies[STUDY].model_copy(
        update={"methods": ["untrained", "spos", "landmark"], "scales": ["reduced"]}
    )
    chosen = chosen.model_copy(update={"studies": {STUDY: study}})
    job = tiny.write_study(chosen, STUDY, "reduced")
    for path in job.inputs["scores"]:
        records.write_json(paths.costs(path), {"cpu_seconds": 8.0})
        parts = path.split("/")
        at = {"method": parts[4], "seed": parts[6][1:], "iteration": parts[7][1:-8]}
        weights = paths.WEIGHTS.format(scale="reduced", task=TASK, **at)
        records.write_json(paths.costs(weights), {"cpu_seconds": 100.0})
    monkeypatch.setattr(costs, "estimated", lambda *_: 2.0)  # hours
    monkeypatch.setattr(quality, "TOP", 0.2)  # of 16 architectures
    return chosen


def test_seconds_are_of_training_and_of_scoring_the_set_once(made):
    rows = quality.table(made, "reduced", TASK).set_index(["method", "score"])
    assert rows.loc[("untrained", "synflow:synflow"), "seconds"] == 8.0  # one checkpoint, and no training
    assert rows.loc[("spos", "oneshot:loss"), "seconds"] == 204.0  # two segments, and one of two checkpoints
    assert rows.loc[("spos", "vote:jacob_cov+snip+synflow"), "seconds"] == 212.0  # of three estimators
    assert rows["landmarks"].dropna().to_dict() == {key: 7200.0 for key in rows.index if key[0] == "landmark"}
    assert ("spos", "oneshot:accuracy") not in rows.index and ("spos", "gradients:snip") in rows.index


def test_quality_is_the_mean_over_seeds_at_the_last_checkpoint(made):
    truth = records.read_table(paths.TRUTH.format(scale="reduced", task=TASK, set="evaluation"))
    truth = truth.set_index("arch")["test"]
    taus, regrets = [], []
    for seed in range(3):
        at = {"scale": "reduced", "task": TASK, "method": "spos", "estimator": "oneshot", "seed": seed, "iteration": 1}
        table = records.read_table(paths.SCORES.format(**at))
        score = table[table["epoch"] == 60].set_index("arch").loc[truth.index, "loss"]
        taus.append(metrics.kendall_tau(truth, score))
        regrets.append(criteria.regret_at_k(truth, score, 1))
    row = quality.table(made, "reduced", TASK).set_index(["method", "score"]).loc[("spos", "oneshot:loss")]
    assert row["tau"] == pytest.approx(np.mean(taus)) and row["regret"] == pytest.approx(np.mean(regrets))
    assert row["tau_low"] < row["tau"] < row["tau_high"] and row["n"] == 3


def test_the_page_and_the_figure_have_them_all(made):
    rows = quality.table(made, "reduced", TASK)
    page = quality.page(rows, made, "reduced", TASK)
    assert page.count("\n| ") == 1 + len(rows) and "| landmark: oneshot:loss |" in page and "| 7.2e+03 |" in page
    figure = quality.draw(rows, made, "reduced", TASK)
    assert [axis.get_title() for axis in figure.axes] == ["Kendall tau", "P@top 5 %", "regret, %"]
    assert len(figures.render(figure, "png")) > 10_000


def test_the_front_is_of_what_nothing_cheaper_equals():
    rows = pd.DataFrame({"seconds": [3, 1, 2, 4, 3], "tau": [0.5, 0.4, 0.3, 0.5, 0.45], "name": list("abcde")})
    assert [row["name"] for row in quality.front(rows, "tau", best="high")] == ["b", "a"]
    assert [row["name"] for row in quality.front(rows, "tau", best="low")] == ["b", "c"]


def test_a_method_is_of_one_family():
    methods = config.load("reduced", tiny.PARAMS).methods
    kinds = {"untrained": quality.FREE, "spos": quality.PLAIN, "landmark": quality.TAUGHT, "close": quality.SPLIT}
    assert {name: quality.family(methods[name], "oneshot:loss") for name in kinds} == kinds
    assert quality.family(methods["spos"], "synflow:synflow") == quality.FREE_OF_TRAINED


def test_a_task_without_studies_is_one_line(made):
    with pytest.raises(UserError, match="none of scale reduced is on task macro-cifar10"):
        quality.table(made, "reduced", "macro-cifar10")


def test_a_run_without_epochs_starts_from_nothing():
    chosen = config.load("reduced", tiny.PARAMS)
    where = {"scale": "reduced", "task": TASK, "seed": 0}
    job = plan.train(chosen, **where, method="untrained", iteration=1)
    assert job.settings["epochs"] == [0, 0] and set(job.inputs) == {"data"}
    with pytest.raises(UserError, match="has no iteration 0"):
        plan.train(chosen, **where, method="untrained", iteration=0)
