"""A study whose estimator scores a whole space: here the 24 architectures of the tiny study."""

import numpy as np
import pandas as pd
import pytest
import tiny

from supernet import config, criteria, metrics, plan, records
from supernet.errors import UserError
from supernet.report import summary, whole
from supernet.report.rows import select
from supernet.stages import measure, space

STUDY, TASK = "whole-space", "nasbench201-cifar10"


def test_the_space_is_enumerated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = plan.archs(config.load("full", tiny.PARAMS), scale="full", task=TASK, set="space")
    space.run(job, tmp_path)
    archs = records.read_table(job.outputs["archs"])["arch"]
    assert len(set(archs)) == len(archs) == 15625
    assert tiny.SPACE.parse(archs[0]) == (0,) * 6 and tiny.SPACE.parse(archs.iloc[-1]) == (4,) * 6


def test_a_space_is_looked_up_and_never_trained():
    demo = config.load("demo", tiny.PARAMS)
    with pytest.raises(UserError, match=r"tasks\.nasbench201-digits\.truth: nobody trains a whole space"):
        plan.truth(demo, scale="demo", task="nasbench201-digits", set="space")
    job = plan.truth(config.load("full", tiny.PARAMS), scale="full", task=TASK, set="space")
    assert job.stage == "lookup" and job.inputs["archs"] == f"results/full/archs/{TASK}/space.parquet"


def test_only_the_last_checkpoint_scores_the_space():
    full = config.load("full", tiny.PARAMS)
    job = plan.measure(full, scale="full", study=STUDY)
    scored = [path for path in job.inputs["scores"] if "/landmark-t3/whole-space/" in path]
    assert scored == [f"results/full/scores/{TASK}/landmark-t3/whole-space/s{s}/i3.parquet" for s in (0, 1, 2)]
    assert job.settings["archs"] == {"whole-space": "space"}
    one = plan.score(full, scale="full", task=TASK, method="spos", estimator="whole-space", seed=0, iteration=1)
    assert one.inputs["archs"].endswith("/space.parquet") and one.settings["estimator"]["archs"] == "space"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(whole, "SIZES", (8, 12))
        patch.setattr(whole, "SUBSETS", 50)
        chosen = tiny.only(tiny.load(root, "full", bootstrap=2), STUDY)
        job = tiny.write_study(chosen, STUDY, "full")
        measure.run(job, root)
        return root, job, records.read_table(job.outputs["metrics"])


def test_its_metrics_are_of_all_architectures_without_an_interval(measured):
    root, _, rows = measured
    scores = records.read_table(root / f"results/full/scores/{TASK}/landmark/whole-space/s1/i1.parquet")
    scores = scores[~scores["arch"].isin(tiny.ARCHS[16:22])]  # the landmarks
    truth = [tiny.accuracy(arch) for arch in scores["arch"]]
    own = select(rows, method="landmark", estimator="whole-space:loss", seed=1)
    (tau,) = select(own, metric="kendall_tau").to_dict("records")
    assert tau["value"] == metrics.kendall_tau(truth, scores["loss"]) and tau["n"] == len(tiny.ARCHS) - 6
    assert np.isnan(tau["low"])
    (regret,) = select(own, metric="regret_at_k", resolution=10)["value"]
    assert regret == pytest.approx(criteria.regret_at_k(truth, scores["loss"], 10))
    (gain,) = select(rows, method="landmark - spos", estimator="whole-space:loss", metric="kendall_tau")["n"]
    assert gain == 3  # paired over the seeds


def test_the_spread_of_a_sample_is_told_for_methods_and_differences():
    rng = np.random.default_rng(0)
    truth = rng.random(2000)
    scores = {name: truth + 0.5 * rng.random((2, 2000)) for name in "ab"}  # two seeds
    found = pd.DataFrame(whole.spreads(truth, scores, [("a", "b"), ("a", "a")], {"resolutions": [0.001]}))
    spread = found.set_index(["method", "definition"])["value"]
    one, mean = whole.ONE.format(50), whole.MEAN.format(50)
    assert spread["a", one] == pytest.approx(2 * spread["a", whole.ONE.format(200)], rel=0.5)
    assert spread["a", one] > 1.5 * spread["a", whole.ONE.format(200)]
    assert spread["a - a", one] == 0 < spread["a - b", one]
    assert 0.5 * spread["a", one] < spread["a", mean] < spread["a", one]  # the seeds stray apart on a set


def test_seeds_that_agree_stray_together():
    truth = np.random.default_rng(0).random(300)
    score = truth + np.random.default_rng(1).random(300)
    found = pd.DataFrame(whole.spreads(truth, {"a": np.array([score, score])}, [], {"resolutions": [0.001]}))
    assert found["value"].iloc[0] == pytest.approx(found["value"].iloc[1]) and found["value"].iloc[0] > 0


def test_the_page_has_a_section_for_the_sample_size(measured, monkeypatch):
    _, job, rows = measured
    monkeypatch.setattr(summary, "SPREADS", [summary.Quantity("8", {"definition": whole.MEAN.format(8)})])
    settings = job.settings
    page = summary.markdown(summary.summarise(rows, settings), rows, settings)
    assert "## Sample size" in page and "| regret@10, % |" in page and "(at least 18), where none is named." in page
