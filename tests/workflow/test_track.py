"""What MLflow is told, without MLflow."""

import dataclasses
import json
import re
import sys
import zlib
from base64 import b64decode
from pathlib import Path

import pytest
from project import ROOT, track, tracked

from supernet import config as configs
from supernet import lineage, plan, records, states
from supernet.errors import UserError
from supernet.stages import measure

sys.path.insert(0, str(ROOT / "tests" / "unit"))
import tiny

RUN = {"task": "nasbench201-digits", "method": "spos", "seed": 0}


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> configs.Config:
    monkeypatch.chdir(tmp_path)
    return tiny.load(tmp_path, bootstrap=1)


def test_numbers_are_of_one_run_by_its_tasks_own_truth(chosen: configs.Config, tmp_path: Path) -> None:
    job = tiny.write_study(chosen, "demo", "demo")
    measure.run(job, tmp_path / "state")
    table = records.read_table(job.outputs["metrics"])
    points = list(tracked._numbers(chosen, "demo", "demo", table, "spos", 0))
    own = table[(table["method"] == "spos") & (table["seed"] == 0) & (table["truth"] == "test")]
    taus = own[(own["metric"] == "kendall_tau") & (own["estimator"] == "oneshot:loss")].set_index("epoch")["value"]
    assert {epoch: value for name, value, epoch in points if name == "rank/Kendall tau"} == taus.to_dict()
    finals = {name: (value, epoch) for name, value, epoch in points if name.startswith("final/")}
    assert finals["final/Kendall tau"] == (pytest.approx(taus[taus.index.max()], abs=1e-4), 0)
    found = own[own["metric"] == "found_accuracy"]["value"].item()
    assert finals["final/found pct by evolution"] == (pytest.approx(100 * found, abs=1e-4), 0)
    assert all(re.fullmatch(r"[\w./ -]+", name) for name, _, _ in points)  # what MLflow allows everywhere
    assert len(set(points)) == len(points)


def test_numbers_made_by_other_parameters_are_left_out(chosen: configs.Config, tmp_path: Path) -> None:
    job = tiny.write_study(chosen, "demo", "demo")
    measure.run(job, tmp_path / "state")
    assert tracked._stands(job)
    changed = chosen.methods["landmark"].model_copy(update={"iterations": 3})
    other = chosen.model_copy(update={"methods": {**chosen.methods, "landmark": changed}})
    assert not tracked._stands(plan.measure(other, scale="demo", study="demo"))


def log(part: dict[str, object], epochs: range) -> Path:
    path = Path(plan.train(tiny_config(), scale="demo", **part).outputs["log"])
    records.write_lines(path, [{"epoch": epoch, "loss": 1 / epoch} for epoch in epochs])
    return path


def tiny_config() -> configs.Config:
    return configs.load("demo", "params.yaml")


def collected() -> dict[str, tracked.Record]:
    return {record.key: record for record in tracked.collect()}


def test_a_run_is_live_until_its_last_log_is_there(chosen: configs.Config) -> None:
    assert not collected()
    warmup, epochs = chosen.methods["spos"].train.warmup, chosen.methods["spos"].train.epochs
    log({**RUN, "iteration": 0}, range(1, warmup + 1))
    (key,) = collected()  # a method that shares the warm-up has not begun
    assert key == "demo/nasbench201-digits/spos/s0" and collected()[key].live
    assert collected()[key].epoch == warmup
    log({**RUN, "iteration": 1}, range(warmup + 1, epochs + 1))
    record = collected()[key]
    assert not record.live and record.epoch == epochs and record.params["train.epochs"] == str(epochs)
    assert record.tags["studies"] == "demo" and record.tags["checkpoint"].endswith("spos/s0/i1/weights.safetensors")


def test_a_live_run_is_read_from_the_state_that_the_training_saves(chosen: configs.Config) -> None:
    job = plan.train(chosen, scale="demo", **RUN, iteration=0)
    for path in job.sources:
        records.write_tensors(path, {"images": tiny.np.zeros(1)}, {})
    rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}]
    folder = lineage.state(job)
    with states.locked(folder):  # as the training holds it
        states.save(folder, {"now/w": tiny.np.zeros(1)}, {"step": 3, "sums": {}, "rows": rows})
        before = sorted((path, path.stat().st_mtime_ns) for path in folder.iterdir())
        (record,) = collected().values()
        assert sorted((path, path.stat().st_mtime_ns) for path in folder.iterdir()) == before
    assert record.live and [point for point in record.points if point[0] == "train/loss"] == [
        ("train/loss", 2.0, 1), ("train/loss", 1.0, 2)
    ]  # fmt: skip
    grown = dataclasses.replace(record, points=[*record.points, ("train/loss", 0.5, 3)])
    assert grown.digest == record.digest and grown.epoch == 3  # it grows in place
    assert dataclasses.replace(grown, live=False).digest != record.digest


def test_the_hash_that_dvc_keeps_is_the_runs(chosen: configs.Config) -> None:
    folder = "results/demo/runs/nasbench201-digits/spos"
    Path("dvc.lock").write_text(json.dumps({"stages": {"s": {"outs": [{"path": folder, "md5": "ab.dir"}]}}}))
    assert tracked._kept() == {folder: "md5:ab.dir"}
    Path("dvc.lock").write_text("stages: [")
    with pytest.raises(UserError, match=r"dvc\.lock: is not what DVC writes"):
        tracked._kept()


def test_the_saved_view_is_in_the_form_that_mlflow_saves() -> None:
    (tag,) = [value for name, value in track.views.tags().items() if name.startswith("mlflow.sharedViewState.")]
    kind, state = json.loads(tag)["state"].split(";")
    assert kind == "deflate" and json.loads(zlib.decompress(b64decode(state))) == {
        **track.views.STATE, "selectedColumns": list(track.views.COLUMNS)
    }  # fmt: skip
