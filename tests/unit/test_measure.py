import numpy as np
import pandas as pd
import pytest
import tiny

from supernet import chain, config, intervals, metrics, plan, records, spaces
from supernet.arch import enumerate_archs
from supernet.errors import UserError
from supernet.job import Job
from supernet.report import references
from supernet.report.rows import (
    contrasts,
    frame,
    over_seeds,
    select,
)
from supernet.stages import lookup, measure

SETTINGS = {"resolutions": [0.001, 0.01], "precision_at": [0.5], "bootstrap": 30, "level": 0.95}
TRUTH = np.array([0.1, 0.2, 0.3, 0.4])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A measured demo: the job, and its rows as read back."""
    root = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        job = tiny.write_study(tiny.load(root), "demo", "demo")
        measure.run(job, root / "state")
        yield root, job, records.read_table(job.outputs["metrics"])


def test_every_checkpoint_has_its_numbers(study):
    _, _, rows = study
    own = select(rows, method="landmark", seed=1, estimator="oneshot:loss", metric="kendall_tau")
    assert own["epoch"].tolist() == [7, 14, 21, 28, 35, 42]
    assert own["iteration"].tolist() == [0, 0, 0, 1, 1, 1]  # the warm-up is the baseline's
    assert own["low"].notna().tolist() == [False] * 5 + [True]
    scores = records.read_table("results/demo/scores/nasbench201-digits/landmark/oneshot/s1/i1.parquet")
    last = select(scores, epoch=42)
    expected = metrics.kendall_tau([tiny.accuracy(a) for a in last["arch"]], last["loss"])
    assert own["value"].iloc[-1] == expected


def test_searches_report_accuracy_regret_and_rank(study):
    _, _, rows = study
    own = select(rows, method="spos", searcher="evolution", seed=0).set_index("metric")
    truths = [tiny.accuracy(a) for a in tiny.ARCHS[:16]]
    found = tiny.accuracy(tiny.ARCHS[15])
    assert own.loc["found_accuracy", "value"] == found
    assert own.loc["regret", "value"] == pytest.approx(max(truths) - found)
    assert own.loc["found_rank", "value"] == 1 + sum(t > found for t in truths)
    assert own.loc["found_rank", ["definition", "n"]].tolist() == ["evaluation", 16]
    assert own.loc["evaluations", "value"] == 6


def test_a_score_joined_with_what_its_landmarks_say_alone(tmp_path, monkeypatch):
    """The mean of both ranks; the gain is over the guess alone, and spos borrows landmarks of landmark."""
    monkeypatch.chdir(tmp_path)
    job = tiny.write_study(tiny.load(tmp_path, "full"), "is-it-the-ranking", "full")
    measure.run(job, tmp_path / "state")
    rows = select(records.read_table(job.outputs["metrics"]), seed=1, metric="kendall_tau", epoch=400)
    known = records.read_table("results/full/truth/nasbench201-cifar10/landmarks/distant30/s1.parquet")
    truth = records.read_table("results/full/truth/nasbench201-cifar10/evaluation.parquet")
    counted = [tiny.SPACE.parameters(tiny.SPACE.parse(a), width=16, cells=5, classes=10) for a in truth["arch"]]
    for predictor, method in (("ridge", "spos"), ("counts", "landmark"), ("parameters", "spos")):
        scores = records.read_table(f"results/full/scores/nasbench201-cifar10/{method}/oneshot/s1/i1.parquet")
        score = select(scores, epoch=400)["loss"].to_numpy()
        known_by = known.set_index("arch")["valid"]
        alone = predictor in references.ALONE
        guess = references.predicted(tiny.SPACE, truth["arch"], known_by, predictor, 1) if alone else counted
        both = pd.Series(score).rank() + pd.Series(guess).rank()
        label = f"oneshot:loss + {predictor}"
        (value,) = select(rows, method=method, estimator=label, truth="test")["value"]
        assert value == pytest.approx(metrics.kendall_tau(truth["test"], both))
        (gain,) = select(rows, method=method, estimator=f"{label}, gain over it alone", truth="test")["value"]
        assert gain == pytest.approx(value - metrics.kendall_tau(truth["test"], guess))
    compared = records.read_table(job.outputs["metrics"])
    compared = compared[compared["method"] == "landmark - spos"]["estimator"].dropna()
    assert any("ridge" in name for name in compared) and not any("gain" in name for name in compared)


def test_seeds_are_summarised_and_contrasted(study):
    _, _, rows = study
    where = {"estimator": "oneshot:loss", "metric": "kendall_tau", "epoch": 42}
    a, b = (select(rows, method=m, **where).dropna(subset="seed")["value"].to_numpy() for m in ("landmark", "spos"))
    (mean,) = select(rows, method="landmark", seed=None, **where)["value"]
    (gain,) = select(rows, method="landmark - spos", seed=None, **where).to_dict("records")
    assert mean == pytest.approx(a.mean())
    assert (gain["value"], gain["low"], gain["high"], gain["n"]) == pytest.approx(intervals.paired_t(a, b))


def test_references_stand_beside_the_methods(study):
    _, _, rows = study
    free = select(rows, estimator="reference")
    assert set(free["method"]) == {"parameters", "ridge on landmarks of landmark", "stand-alone training"}
    truth = [tiny.accuracy(a) for a in tiny.ARCHS[:16]]
    counted = [tiny.SPACE.parameters(tiny.SPACE.parse(a), width=8, cells=1, classes=10) for a in tiny.ARCHS[:16]]
    (value,) = select(free, method="parameters", metric="kendall_tau")["value"]
    assert value == metrics.kendall_tau(truth, counted)
    ridge = select(free, method="ridge on landmarks of landmark", metric="spearman")
    assert ridge["seed"].dropna().tolist() == [0, 1, 2]
    assert select(ridge, seed=None)["n"].tolist() == [3]


def test_replicates_imply_a_ceiling():
    truth = pd.DataFrame({"test": TRUTH, "test_s0": [1, 2, 3, 4], "test_s1": [1, 2, 4, 3]})
    agreement, ceiling = references.replicates(truth, "test", SETTINGS)
    assert agreement["value"] == pytest.approx(4 / 6)
    assert ceiling["value"] == pytest.approx(metrics.ceiling_from_replicates(4 / 6, 2))
    assert references.replicates(truth[["test", "test_s0"]], "test", SETTINGS) == []


def test_measuring_again_gives_the_same_bits(study):
    root, job, _ = study
    before = records.sha256(job.outputs["metrics"])
    measure.run(job, root / "state")
    assert records.sha256(job.outputs["metrics"]) == before


def test_the_whole_space_is_used_where_its_truth_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = tiny.write_study(tiny.load(tmp_path, "reduced", bootstrap=1), "landmark-controls", "reduced")
    whole = sorted((tiny.accuracy(a) for a in tiny.ARCHS), reverse=True)
    measured = {r["metric"]: r for r in measure.Measured(job).searches() if r.get("truth") == "test"}
    found = tiny.accuracy(tiny.ARCHS[15])
    assert measured["regret"]["value"] == pytest.approx(whole[0] - found)
    assert measured["found_rank"]["value"] == 1 + whole.index(found)
    assert (measured["found_rank"]["definition"], measured["found_rank"]["n"]) == ("space", 24)


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    """The rows of a made-up study whose table holds other data sets, on which every order is the other way round."""
    root = tmp_path_factory.mktemp("reduced")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        job = tiny.write_study(tiny.load(root, "reduced", bootstrap=1), "landmark-controls", "reduced")
        measured = measure.Measured(job)
        common = {"study": "s", "task": "t", "scale": "reduced", "truth": "test"}
        yield frame([*measured.checkpoints(), *measured.searches()], **common)


def test_other_data_sets_are_measured_at_the_end(reduced):
    where = {"method": "landmark", "seed": 1, "estimator": "oneshot:loss", "metric": "kendall_tau"}
    own = select(reduced, truth="test", **where)
    assert own["epoch"].tolist() == [15, 30, 45, 60] and own["low"].notna().tolist() == [False] * 3 + [True]
    for dataset in ("cifar100", "imagenet16-120"):
        (other,) = select(reduced, truth=f"{dataset}/test", **where).to_dict("records")
        assert (other["epoch"], other["value"]) == (60, pytest.approx(-own["value"].iloc[-1]))
        assert np.isnan(other["low"])
    assert set(reduced["truth"]) == {"test", "cifar100/test", "imagenet16-120/test"}


def test_what_was_found_stands_on_other_data_sets_too(reduced):
    where = {"method": "spos", "seed": 0, "searcher": "evolution"}
    own = select(reduced, truth="cifar100/test", **where).set_index("metric")
    truths = [1 - tiny.accuracy(a) for a in tiny.ARCHS[8:]]
    found = 1 - tiny.accuracy(tiny.ARCHS[15])
    assert own.loc["found_accuracy", "value"] == pytest.approx(found)
    assert own.loc["regret", "value"] == pytest.approx(max(truths) - found)
    assert own.loc["found_rank", "value"] == 1 + sum(t > found for t in truths)
    assert own.loc["found_rank", ["definition", "n"]].tolist() == ["space", 16]
    assert "evaluations" not in own.index and len(select(reduced, metric="evaluations", **where)) == 1


def test_means_and_contrasts_keep_the_truths_apart(reduced):
    where = {"estimator": "oneshot:loss", "metric": "kendall_tau", "epoch": 60}
    means = over_seeds(reduced, 0.95)
    gains = contrasts(reduced, [["landmark", "spos"]], 0.95)
    for table, method in ((means, "landmark"), (gains, "landmark - spos")):
        by = {truth: select(table, method=method, truth=truth, **where) for truth in ("test", "cifar100/test")}
        assert [(len(rows), rows["n"].tolist()) for rows in by.values()] == [(1, [3])] * 2
        assert by["cifar100/test"]["value"].item() == pytest.approx(-by["test"]["value"].item())


@pytest.mark.parametrize(
    ("set", "settings"),
    [
        ("landmarks/distant30/s0", {}),
        ("additions/landmark-t3/s0/i1", {}),
        ("evaluation", {"also": ["cifar100", "imagenet16-120"]}),
        ("found/spos/evolution/s0", {"also": ["cifar100", "imagenet16-120"], "standing": True}),
    ],
)
def test_only_what_measures_is_looked_up_on_other_data_sets(set, settings):
    chosen = config.load("reduced", tiny.PARAMS)
    job = plan.truth(chosen, scale="reduced", task="nasbench201-cifar10", set=set)
    assert job.settings == {"dataset": "cifar10", "epochs": 200, **settings}


def test_a_lookup_gives_what_its_table_has(tmp_path):
    """NAS-Bench-Macro has no validation accuracy, but three trainings told apart."""
    files = {name: str(tmp_path / f"{name}.parquet") for name in ("archs", "table", "truth")}
    table = pd.DataFrame({"arch": ["a", "b"], "cifar10_test_50": [0.8, 0.6], "cifar10_test_50_s0": [0.79, 0.61]})
    records.write_table(files["archs"], pd.DataFrame({"arch": ["b"]}), {})
    records.write_table(files["table"], table, {})
    inputs = {"archs": files["archs"], "table": files["table"]}
    lookup.run(Job("lookup", {"dataset": "cifar10", "epochs": 50}, {"truth": files["truth"]}, inputs), tmp_path)
    assert records.read_table(files["truth"]).to_dict("records") == [{"arch": "b", "test": 0.6, "test_s0": 0.61}]
    with pytest.raises(UserError, match=r"table\.parquet: has no column cifar10_test_200"):
        lookup.run(Job("lookup", {"dataset": "cifar10", "epochs": 200}, {"truth": files["truth"]}, inputs), tmp_path)


def test_a_lookup_adds_the_columns_of_other_data_sets(tmp_path):
    columns = {f"{d}_{s}_200": np.array(v) for d, s, v in [
        ("cifar10", "valid", [0.5, 0.7, 0.6]), ("cifar10", "test", [0.55, 0.75, 0.65]),
        ("cifar100", "valid", [0.3, 0.1, np.nan]), ("cifar100", "test", [0.35, 0.15, np.nan]),
    ]}  # fmt: skip
    files = {name: str(tmp_path / f"{name}.parquet") for name in ("archs", "table", "truth")}
    records.write_table(files["table"], pd.DataFrame({"arch": ["a", "b", "c"], **columns}), {})
    records.write_table(files["archs"], pd.DataFrame({"arch": ["b", "a"]}), {})
    inputs = {name: files[name] for name in ("archs", "table")}

    def looked_up(**more):
        settings = {"dataset": "cifar10", "epochs": 200, **more}
        lookup.run(Job("lookup", settings, {"truth": files["truth"]}, inputs), tmp_path)
        return records.read_table(files["truth"])

    assert list(looked_up().columns) == ["arch", "valid", "test"]
    also = looked_up(also=["cifar100"])
    assert list(also.columns) == ["arch", "valid", "test", "cifar100/valid", "cifar100/test"]
    assert also["test"].tolist() == [0.75, 0.55] and also["cifar100/test"].tolist() == [0.15, 0.35]
    standing = looked_up(also=["cifar100"], standing=True)
    assert standing["test_rank"].tolist() == [1, 3] and standing["among"].tolist() == [3, 3]
    assert standing["cifar100/test_rank"].tolist() == [2, 1] and standing["cifar100/among"].tolist() == [2, 2]
    assert standing["cifar100/test_best"].tolist() == [0.35, 0.35]
    with pytest.raises(UserError, match=r"table\.parquet: has no column svhn_test_200"):
        looked_up(also=["svhn"])


def test_an_evaluation_set_of_all_architectures_is_no_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = tiny.write_study(tiny.load(tmp_path, bootstrap=1), "demo", "demo")
    assert not measure.Measured(job).sampling.complete
    monkeypatch.setattr(spaces.load(job.settings["task"]["space"]), "choices", tiny.SPACE.choices[:1])
    evaluation = records.read_table(job.inputs["evaluation"][0]).head(5)
    records.write_table(job.inputs["evaluation"][0], evaluation, {})
    assert measure.Measured(job).sampling.complete


def test_what_was_found_stands_among_its_own_space(tmp_path):
    """Not among all of the table, whose best cells may be out of its reach."""
    files = {name: str(tmp_path / f"{name}.parquet") for name in ("archs", "table", "truth")}
    whole, part = spaces.load("nasbench201"), spaces.load("nasbench201_convolutions")
    names = [whole.format(arch) for arch in enumerate_archs(whole.choices)]
    inside = {part.format(arch) for arch in enumerate_archs(part.choices)}
    table = pd.DataFrame({"arch": names, "cifar10_test_200": np.linspace(0.9, 0.1, len(names))})
    best, found = [name for name in names if name in inside][:2]
    assert names.index(best) > 0
    records.write_table(files["table"], table, {})
    records.write_table(files["archs"], pd.DataFrame({"arch": [found]}), {})
    inputs = {name: files[name] for name in ("archs", "table")}
    settings = {"dataset": "cifar10", "epochs": 200, "standing": "nasbench201_convolutions"}
    lookup.run(Job("lookup", settings, {"truth": files["truth"]}, inputs), tmp_path)
    (row,) = records.read_table(files["truth"]).to_dict("records")
    assert row["test_rank"] == 2 and row["among"] == len(inside) == 64 and row["test_best"] < 0.9
    chosen = config.load("reduced", tiny.PARAMS)
    named = {"convolutions-two-cells": "nasbench201_convolutions", "nasbench201-cifar10": True, "macro-cifar10": True}
    for task, standing in named.items():
        job = plan.truth(chosen, scale="reduced", task=task, set="found/spos/evolution/s0")
        assert job.settings["standing"] == standing


def test_a_broken_link_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = tiny.write_study(tiny.load(tmp_path, bootstrap=1), "demo", "demo")
    (evaluation,) = job.inputs["evaluation"]
    assert chain.verify(job.sources) == len(job.inputs["scores"])  # every score names the evaluation truth
    table = records.read_table(evaluation)
    records.write_table(evaluation, table.assign(test=table["test"] / 2), records.provenance(evaluation))
    with pytest.raises(UserError, match=r"scores.*was made from another .*evaluation\.parquet"):
        measure.run(job, tmp_path / "state")


def test_scores_of_other_architectures_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = tiny.write_study(tiny.load(tmp_path, bootstrap=1), "demo", "demo")
    path = job.inputs["scores"][0]
    records.write_table(path, records.read_table(path)[1:], records.provenance(path))
    with pytest.raises(UserError, match="epoch 7 lacks finite scores"):
        measure.run(job, tmp_path / "state")


def test_a_missing_truth_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = tiny.write_study(tiny.load(tmp_path, bootstrap=1), "demo", "demo")
    (path,) = job.inputs["evaluation"]
    records.write_table(path, records.read_table(path).drop(columns="test"), records.provenance(path))
    with pytest.raises(UserError, match="lacks test accuracies"):
        measure.Measured(job)


def test_parameters_rank_as_counted():
    space = spaces.load("nasbench201")
    conv, skip = (f"|{o}~0|+|{o}~0|{o}~1|+|{o}~0|{o}~1|{o}~2|" for o in ("nor_conv_3x3", "skip_connect"))
    assert np.greater(*references.counted(space, [conv, skip], 8, 1))
