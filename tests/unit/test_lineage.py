"""Files against what params.yaml asks for."""

from pathlib import Path

import pytest
import tiny

from supernet import dag, lineage, plan, records
from supernet.errors import UserError
from supernet.job import Job


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose truths, scores and searches carry the stamps that the plan writes; its metrics are missing."""
    monkeypatch.chdir(tmp_path)
    chosen = tiny.only(tiny.load(tmp_path, bootstrap=1), "demo")
    job = tiny.write_study(chosen, "demo", "demo")
    written = [each for each in dag.closure(chosen, [job]) if set(each.outputs.values()) & set(job.sources)]
    for each in sorted(written, key=lambda each: each.stage not in ("standalone", "lookup")):  # what others name first
        (path,) = each.outputs.values()
        hashes = {source: records.sha256(source) if Path(source).exists() else "0" for source in each.sources}
        stamp = {"stage": each.stage, "settings": each.settings, "inputs": hashes}
        records.write_table(path, records.read_table(path), stamp)
    return chosen, job


def teaches(search):
    """Whether landmarks are among the inputs of a search."""
    return "/landmark/" in search


def test_what_the_plan_asks_for_passes(study):
    chosen, job = study
    lineage.check(chosen, job)
    files, links, absent = lineage.verify(chosen, "demo")
    assert files == len(job.sources) and absent > 0  # images and weights are not there, as in a clone
    assert links == sum(map(teaches, job.inputs["searches"]))


@pytest.mark.parametrize(
    ("role", "change", "named"),
    [
        ("scores", {"settings": {"width": 99}}, r"settings\.width: 99, params\.yaml asks for"),
        ("scores", {"stage": "search"}, r"stage: search, params\.yaml asks for score"),
        ("searches", {"inputs": {"results/other.parquet": "0"}}, r"inputs\."),
    ],
)
def test_a_file_of_other_parameters_is_named_with_the_setting(study, role, change, named):
    chosen, job = study
    path = job.inputs[role][0]
    stamp = records.provenance(path)
    for key, value in change.items():
        stamp[key] = {**stamp[key], **value} if isinstance(value, dict) else value
    records.write_table(path, records.read_table(path), stamp)
    for refuse in (lambda: lineage.check(chosen, job), lambda: lineage.verify(chosen, "demo")):
        with pytest.raises(UserError, match=named) as error:
            refuse()
        assert path in str(error.value) and "\n" not in str(error.value)


def test_other_parameters_are_met_however_far_back(study):
    """The evaluation set was drawn with another size: the truth beside it looks right, and is refused with it."""
    chosen, job = study
    path = "results/demo/archs/nasbench201-digits/evaluation.parquet"
    archs = plan.archs(chosen, scale="demo", task="nasbench201-digits", set="evaluation")
    stamp = {"stage": archs.stage, "settings": {**archs.settings, "count": 9}, "inputs": {}}
    records.write_table(path, records.read_table(job.inputs["evaluation"][0])[["arch"]], stamp)
    with pytest.raises(UserError, match=r"evaluation\.parquet: was made by other parameters \(settings\.count: 9"):
        lineage.check(chosen, job)


def test_the_difference_named_is_the_first_key():
    def found(made, wanted):
        return lineage.difference({"stage": "s", "settings": made, "inputs": {}}, Job("s", wanted, {"o": "o"}))

    assert found({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}) == "settings.a.c: 2, params.yaml asks for 3"
    assert found({"a": 1}, {"a": 1, "b": None}) == "settings.b: nothing, params.yaml asks for null"
    assert found({"a": [1]}, {"a": [1, 2]}) == "settings.a: [1], params.yaml asks for [1, 2]"
    assert found({"a": 1}, {"a": 1}) is None
