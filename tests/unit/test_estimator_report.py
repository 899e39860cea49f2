"""Studies of estimators: their rows, table and figures, from made-up scores."""

import re

import numpy as np
import pytest
import tiny

from supernet import config, criteria, intervals, metrics, plan, records
from supernet.errors import UserError
from supernet.report import estimators
from supernet.report.rows import select
from supernet.stages import figures, measure, summary

TASK = "nasbench201-cifar10"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Of a study: its folder, rows, table and page, made once each."""
    known = {}

    def make(study):
        if study not in known:
            root = tmp_path_factory.mktemp(study)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(root)
                chosen = tiny.only(tiny.load(root, "reduced", bootstrap=2), study)
                job = tiny.write_study(chosen, study, "reduced")
                measure.run(job, root)
                jobs = [f(chosen, scale="reduced", study=study) for f in (plan.summary, plan.figures)]
                for stage, one in zip((summary, figures), jobs, strict=True):
                    stage.run(one, root)
                page = (root / jobs[0].outputs["page"]).read_text()
                pictures = [root / path for path in jobs[1].outputs.values()]
                rows = records.read_table(job.outputs["metrics"])
                known[study] = root, rows, records.read_table(jobs[0].outputs["table"]), page, pictures
        return known[study]

    return make


def test_criteria_at_every_checkpoint_are_those_of_the_scores(made):
    root, rows, *_ = made("over-training")
    truth = records.read_table(root / f"results/reduced/truth/{TASK}/evaluation.parquet").set_index("arch")["test"]
    table = records.read_table(root / f"results/reduced/scores/{TASK}/spos-fine/oneshot/s1/i1.parquet")
    first, second = (table[table["epoch"] == e].set_index("arch").loc[truth.index, "loss"] for e in (40, 44))
    own = select(rows, method="spos-fine", seed=1, estimator="oneshot:loss", epoch=44)
    one = {(m, r): v for m, r, v in zip(own["metric"], own["resolution"].fillna(0), own["value"], strict=True)}
    assert one["pearson", 0] == pytest.approx(np.corrcoef(truth, second)[0, 1])
    assert one["precision_at_bottom_k", 0.2] == criteria.precision_at_bottom_k(truth, second, 0.2)
    assert one["best_ranking", 0.2] == criteria.best_ranking(truth, second, 0.2)
    assert one["stability", 0] == metrics.kendall_tau(first, second)
    assert one["relative_precision_at_k", 0.2] == metrics.precision_at_k(second, first, 0.2)
    assert one["mean_score", 0] == pytest.approx(second.mean())
    levels = table[table["epoch"] == 44].set_index("arch").loc[truth.index, "accuracy"]
    taus, _ = criteria.intra_level_tau(truth, levels, second)
    assert one["intra_level_tau", 0] == pytest.approx(taus.mean())
    assert ("best_ranking", 0.05) not in one  # less than one of 16
    groups = select(own, metric="rank_difference")
    assert list(groups["definition"]) == [f"parameters {i} of 5" for i in range(1, 6)]


def test_the_page_shows_every_score_by_every_criterion_and_its_bias(made):
    _, _, table, page, pictures = made("over-training")
    assert "## Estimators" in page and "## Stability" in page and "## Bias by size" in page
    assert "| spos-fine: oneshot:accuracy |" in page and "| spos-fine: averaged-5:loss |" in page
    assert {"Kendall tau", "P@top 20 %", "worst rank@20 %"} <= set(table["quantity"])
    assert all(path.stat().st_size > 10_000 for path in pictures)


def test_a_vote_is_a_score_of_its_own(made):
    _, rows, _, page, _ = made("zero-shot")
    label = "vote:jacob_cov+snip+synflow"
    assert f"| untrained: {label} |" in page and f"| spos: {label} |" in page
    assert select(rows, method="untrained", estimator=label, metric="kendall_tau", epoch=0)["value"].notna().all()


def test_contrasts_are_of_every_score(made):
    _, rows, table, page, _ = made("zero-shot")
    assert "## Differences" in page and "| spos - untrained: synflow:synflow |" in page
    own = select(rows, estimator="synflow:synflow", metric="kendall_tau", seed=2, truth="test")
    ends = [select(own, method=name, epoch=epoch)["value"].item() for name, epoch in (("spos", 60), ("untrained", 0))]
    seeds = [select(rows, estimator="synflow:synflow", metric="kendall_tau", seed=s, truth="test") for s in range(3)]
    means = [
        np.mean([select(r, method=n, epoch=e)["value"].item() for r in seeds])
        for n, e in (("spos", 60), ("untrained", 0))
    ]
    shown = select(table, part="estimator contrast", label="spos - untrained: synflow:synflow", quantity="Kendall tau")
    assert shown["value"].item() == pytest.approx(means[0] - means[1]) and ends[0] != ends[1]


def test_scores_are_compared_on_the_same_super_nets(made):
    _, rows, table, page, _ = made("zero-shot")
    a, b = "vote:jacob_cov+snip+synflow", "complexity:live_parameters"
    label = f"untrained: {a} - {b}"
    where = {"method": "untrained", "metric": "kendall_tau", "epoch": 0, "truth": "test"}
    ours = [select(rows, estimator=score, seed=seed, **where)["value"].item() for score in (a, b) for seed in (0, 1, 2)]
    mean, low, high, n = intervals.paired_t(ours[:3], ours[3:])
    (shown,) = select(table, part="score contrast", label=label, quantity="Kendall tau").to_dict("records")
    assert [shown[k] for k in ("value", "low", "high", "n")] == pytest.approx([mean, low, high, n])
    assert "## Scores" in page and f"| {label} | " in page


def test_copeland_by_hand():
    columns = {"a": np.array([1.0, 2, 3]), "b": np.array([1.0, 3, 2]), "c": np.array([3.0, 1, 2])}
    found = estimators.votes(columns, [["a", "b", "c"], ["a", "b"]])
    # a, b, c: 0 < 1 in a and b; 0 < 2 in a and b; 1 < 2 in a and c.
    assert np.array_equal(found["vote:a+b+c"], [0, 1, 2])
    assert np.array_equal(found["vote:a+b"], [0, 1.5, 1.5])


def test_a_majority_may_go_in_circles():
    """a, b, c rank three things in turn: the majority puts 0 over 1 over 2 over 0, and no Copeland score says so."""
    columns = {"a": np.array([3.0, 2, 1]), "b": np.array([1.0, 3, 2]), "c": np.array([2.0, 1, 3])}
    asked = [["a", "b", "c"]]
    (order,) = estimators.majorities(columns, asked).values()
    assert order.tolist() == [[0, 1, -1], [-1, 0, 1], [1, -1, 0]]
    (score,) = estimators.votes(columns, asked).values()
    assert score.tolist() == [1, 1, 1] and np.isnan(criteria.pair_agreement([3.0, 2, 1], score))
    assert criteria.order_agreement([3.0, 2, 1], order) == pytest.approx(2 / 3)
    rows = estimators.rows(np.array([3.0, 2, 1]), np.array([1.0, 2, 3]), [], [], order)
    assert {row["metric"]: row["value"] for row in rows}["pair_agreement"] == pytest.approx(2 / 3)


def test_a_vote_of_an_unknown_score_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = tiny.only(tiny.load(tmp_path, "reduced", bootstrap=2), "zero-shot")
    study = chosen.studies["zero-shot"].model_copy(update={"vote": [["synflow:synflow", "gradients:nonsense"]]})
    chosen = chosen.model_copy(update={"studies": {"zero-shot": study}})
    job = tiny.write_study(chosen, "zero-shot", "reduced")
    with pytest.raises(UserError, match=r"studies\.zero-shot\.vote: no 'gradients:nonsense'; known: oneshot:accuracy"):
        measure.run(job, tmp_path)


def test_what_training_logged_becomes_rows(made):
    _, rows, _, page, pictures = made("forgetting")
    own = select(rows, metric="forgetting_value", seed=0)
    assert list(own["epoch"]) == list(range(1, 61)) and own["value"].iloc[-1] == pytest.approx(-6)
    (curves,) = (path for path in pictures if path.name == "sparse_kendall_tau.svg")
    assert "forgetting value" in curves.read_text() and "forgotten" in curves.read_text()
    assert "## In training" in page and "| spos-fine, epoch 60 | -6.000 [-6.000, -6.000] |" in page


def test_what_training_did_not_log_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = tiny.only(tiny.load(tmp_path, "reduced", bootstrap=2), "forgetting")
    job = tiny.write_study(chosen, "forgetting", "reduced")
    job.settings["study"]["logged"].append("forgeting")
    with pytest.raises(UserError, match=r"studies\.forgetting\.logged: no method's training logs 'forgeting'"):
        measure.run(job, tmp_path)


def test_operations_are_compared_over_the_whole_space(made):
    root, rows, _, page, _ = made("operations")
    own = select(rows, method="spos", estimator="whole-space:loss", seed=0, metric=estimators.BY_SCORE)
    truth = records.read_table(root / f"results/reduced/truth/{TASK}/space.parquet").set_index("arch")["test"]
    known = truth.index[~truth.index.isin(tiny.ARCHS[16:22])]
    table = records.read_table(root / f"results/reduced/scores/{TASK}/spos/whole-space/s0/i1.parquet")
    score = table.set_index("arch").loc[known, "loss"]
    found = criteria.operation_bias([tiny.SPACE.parse(a) for a in known], truth[known], score)
    names = tiny.SPACE.options
    expected = {f"{names[p]} -> {names[q]}": (by_score, n) for (p, q), (_, by_score, n) in found.items()}
    assert expected == {d: (v, n) for d, v, n in zip(own["definition"], own["value"], own["n"], strict=True)}
    assert len(expected) == 1 and "## Bias by operation" in page
    (change,) = expected
    assert f"| spos: {change} |" in page and f"| landmark: {change} |" in page


VOTE = 'vote: [["activations:jacob_cov", "gradients:snip", "synflow:synflow"]]'


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "levels: oneshot-one",
            "levels: recalibrated",
            "over-training.levels: 'recalibrated' is not among the study's",
        ),
        ("levels: oneshot-one", "levels: nobody", "over-training.levels: 'nobody' is not among the study's"),
        (
            "criteria: [0.05, 0.2]\n    levels",
            "levels",
            "over-training.levels: needs criteria, and an estimator of kind",
        ),
        (VOTE, 'vote: [["spos:loss", "synflow:synflow"]]', "zero-shot.vote: 'spos' is not among the study's"),
        (VOTE, 'vote: [["a:x", "b:y"], ["c:x", "b:y"]]', "zero-shot.vote: two lists of scores of the same names"),
        ("criteria: [0.05, 0.2]", "criteria: [0.0]", "over-training.criteria.0: Input should be greater than 0"),
        ("- [averaged-3:loss,", "- [averaged-9:loss,", "over-training.scores: 'averaged-9' is not among the study's"),
        (
            "estimators: [oneshot]\n",
            "estimators: [oneshot]\n    scores: [['oneshot:a', 'oneshot:b']]\n",
            "scores: needs criteria",
        ),
    ],
)
def test_a_study_of_estimators_that_means_nothing_is_one_line(tmp_path, old, new, line):
    text = tiny.PARAMS.read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new))
    with pytest.raises(UserError, match=re.escape(line)):
        config.load("full", tmp_path / "params.yaml")
