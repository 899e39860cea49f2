from pathlib import Path

import pandas as pd
import pytest
import tiny

from supernet import cli, config, paths, records, runner, runs, tables
from supernet.errors import UserError
from supernet.report import costs

TABLE = tiny.PARAMS.parent / "results/reduced/tables/nasbench201.parquet"
STUDY = "landmark-controls"
SECONDS = {"searches": 36, "scores": 18, "truth": 72}


def spend(path: str) -> None:
    """Write costs of the job that makes ``path``: an hour for a warm-up, one more an iteration, 360 s more a seed."""
    kind, *_, seed, iteration = path.split("/")[2:] if "runs" not in path else path.split("/")[2:-1]
    seconds = 3600 * (int(iteration[1:]) + 1) + 360 * int(seed[1:]) if kind == "runs" else SECONDS[kind]
    records.write_json(paths.costs(path), {"cpu_seconds": seconds, "processor": "some processor"})


def chosen(root: Path, scale: str, study: str, methods: list[str]) -> config.Config:
    """The study with these methods and the search of each, and the costs of all its jobs in the working directory."""
    made = tiny.only(tiny.load(root, scale), study)
    changes = {"methods": methods, "searchers": ["own"], "contrasts": []}
    made = made.model_copy(update={"studies": {study: made.studies[study].model_copy(update=changes)}})
    where = {"scale": scale, "task": made.studies[study].task}
    for seed in made.seeds:
        for method in methods:
            for owner, iteration in runs.segments(made.methods[method], method):
                at = {**where, "method": owner, "seed": seed, "iteration": iteration}
                spend(paths.WEIGHTS.format(**at))
                spend(paths.SCORES.format(**at, estimator="oneshot"))
                spend(paths.SEARCH.format(**at, searcher=made.methods[method].searcher))
            for path in runs.landmark_files(made.methods[method], method, paths.TRUTH, where, seed, 3):
                spend(path)
                records.write_table(path, pd.DataFrame({"arch": ["a", "b"]}), {})
    return made


@pytest.fixture
def looked_up(tmp_path, monkeypatch):
    """A study whose landmarks' truth comes from a table, and the speed of a benchmark: 50 GFLOP/s of two threads."""
    monkeypatch.chdir(tmp_path)
    made = chosen(tmp_path, "reduced", STUDY, ["spos", "landmark", "landmark-t3", "nao"])
    table = pd.DataFrame({"arch": ["a", "b", "c"], "flops": [1e6, 3e6, 7e9]})
    records.write_table("results/reduced/tables/nasbench201.parquet", table, {})
    row = {"case": "plain step", "cells": 5, "batch": 256, "gflops": 50.0}
    rows = [{**row, "cells": 1, "gflops": 1.0}, {**row, "batch": 64, "gflops": 1.0}, row]
    records.write_json(costs.BENCH, {"machine": {"threads": 2}, "rows": rows})
    return made


def test_core_hours_of_every_method(looked_up):
    rows = costs.table(looked_up, "reduced", STUDY).set_index("method")
    # Hours: 1 + 2 of two segments, 1 + 2 + 3 + 4 of four; and 0.1 a segment and seed, of which the median is 1.
    assert rows["training"].to_dict() == pytest.approx({"spos": 3.2, "landmark": 3.2, "landmark-t3": 10.4, "nao": 10.4})
    # 0.01 a search: the last one; two whose finds become landmarks; three that fill a pool.
    assert rows["search"].to_dict() == pytest.approx({"spos": 0.01, "landmark": 0.01, "landmark-t3": 0.03, "nao": 0.04})
    assert rows["scoring"].to_dict() == pytest.approx(
        {"spos": 0.01, "landmark": 0.01, "landmark-t3": 0.02, "nao": 0.02}
    )
    assert rows["ratio"].tolist() == pytest.approx([1, 1, 10.43 / 3.21, 10.44 / 3.21])


def test_interrupted_attempts_count(tmp_path):
    started = runner._now()
    assert all(0 <= seconds < 1 for seconds in runner._spent(tmp_path, started).values())
    records.write_json(tmp_path / "spent.json", {"seconds": 50.0, "cpu_seconds": 30.0})
    spent = runner._spent(tmp_path, started)
    assert 50 <= spent["seconds"] < 52 and 30 <= spent["cpu_seconds"] < 32


def test_what_looked_up_landmarks_would_cost_is_estimated(looked_up):
    rows = costs.table(looked_up, "reduced", STUDY).set_index("method")["landmarks"]
    # 4e6 multiply-adds x 2 x 3 x 25,000 images x 200 epochs = 1.2e14 operations, at 25e9 a second and core: 4800 s.
    assert rows["landmark"] == pytest.approx(4 / 3)
    assert rows["landmark-t3"] == pytest.approx(3 * 4 / 3)  # the first ones, and two additions
    assert rows[["spos", "nao"]].isna().all()
    task = looked_up.tasks["nasbench201-cifar10"].model_copy(update={"order_truth": "test"})
    other = looked_up.model_copy(update={"tasks": {"nasbench201-cifar10": task}})
    doubled = costs.table(other, "reduced", STUDY).set_index("method")["landmarks"]
    assert doubled["landmark"] == pytest.approx(8 / 3)  # the nets whose test accuracy it has saw all 50,000 images


def test_a_whole_space_is_scored_once_at_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = chosen(tmp_path, "full", "whole-space", ["spos"])
    for seed in made.seeds:
        at = {"scale": "full", "task": "nasbench201-cifar10", "method": "spos", "seed": seed, "iteration": 1}
        spend(paths.SCORES.format(**at, estimator="whole-space"))
    assert costs.table(made, "full", "whole-space")["scoring"].tolist() == pytest.approx([3 * 18 / 3600])


def test_the_page_says_what_is_an_estimate(looked_up):
    page = costs.page(looked_up, "reduced", STUDY)
    assert (
        "**an estimate**" in page and "2 operations × 3 for forward and backward × 25,000 images × 200 epochs" in page
    )
    assert "at 25.0 GFLOP/s a core" in page and "trained on some processor." in page
    assert "Search: by each method's own search and" in page
    assert "| landmark-t3 | 10.4 | 0.03 | 0.02 | 3.25 | 4 |" in page
    assert "| spos | 3.2 | 0.01 | 0.01 | 1.00 | – |" in page


def test_trained_landmarks_are_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = chosen(tmp_path, "demo", "demo", ["spos", "landmark"])
    assert costs.table(made, "demo", "demo")["landmarks"][1] == pytest.approx(0.02)  # 72 s
    page = costs.page(made, "demo", "demo")
    assert "Landmarks: measured" in page and "estimate" not in page
    plain = chosen(tmp_path, "demo", "demo", ["spos"])
    assert "Landmarks" not in costs.page(plain, "demo", "demo")


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("results/reduced/costs/runs/nasbench201-cifar10/spos/s1/i0/weights.json", "weights.json: no such file"),
        (
            "results/reduced/costs/searches/nasbench201-cifar10/landmark-t3/evolution/s0/i2.json",
            "i2.json: no such file",
        ),
        ("results/reduced/tables/nasbench201.parquet", "nasbench201.parquet: no such file"),
        ("results/bench/bench.json", "bench.json: no such file"),
    ],
)
def test_a_missing_file_is_one_clear_line(looked_up, gone, message):
    Path(gone).unlink()
    with pytest.raises(UserError, match=message):
        costs.table(looked_up, "reduced", STUDY)


def test_what_cannot_be_known_is_an_error(looked_up):
    with pytest.raises(UserError, match="studies: no 'nobody'; known: landmark-controls"):
        costs.table(looked_up, "reduced", "nobody")
    task = looked_up.tasks["nasbench201-cifar10"]
    task = task.model_copy(update={"truth": task.truth.model_copy(update={"dataset": "cifar100"})})
    with pytest.raises(UserError, match="how many images cifar100 was trained on is not known"):
        costs.table(looked_up.model_copy(update={"tasks": {"nasbench201-cifar10": task}}), "reduced", STUDY)
    records.write_json(costs.BENCH, {"machine": {"threads": 1}, "rows": []})
    with pytest.raises(UserError, match="has no 'plain step' of 5 cells and batch 256; run `make bench`"):
        costs.table(looked_up, "reduced", STUDY)


def test_the_command_prints_and_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    chosen(tmp_path, "demo", "demo", ["spos", "landmark"])
    for seed in range(3):
        spend(f"results/demo/searches/nasbench201-digits/landmark/evolution/s{seed}/i1.parquet")
    cli.write_costs("demo", "demo", tmp_path / "params.yaml")
    page = Path("results/demo/costs/demo.md").read_text()
    assert capsys.readouterr().out == page and page.startswith("# Costs: Landmark regularisation on digit scenes")


def test_costs_lie_under_the_name_of_the_first_output():
    assert (
        paths.costs("results/full/runs/t/m/s0/i1/weights.safetensors")
        == "results/full/costs/runs/t/m/s0/i1/weights.json"
    )
    assert paths.costs("results/full/ledger/x.parquet") == "results/full/costs/ledger/x.json"


@pytest.mark.skipif(
    not (TABLE.is_file() or paths.mirror()), reason="needs the table: `dvc checkout` or SUPERNET_MIRROR"
)
def test_the_tables_flops_are_multiply_adds_of_one_image():
    """The convolutions of the all-3x3 cell, by hand; the table's counter adds some per cent for the rest."""
    width, side, cells, edges = 16, 32, 5, 6
    stages = [(width << k, (side >> k) ** 2) for k in range(3)]  # channels, pixels
    adds = 27 * width * side**2  # the stem
    adds += sum(cells * edges * 9 * channels**2 * pixels for channels, pixels in stages)
    # A reduction C -> 2C: 3x3 convolutions C -> 2C and 2C -> 2C, 1x1 shortcut, at the smaller side.
    adds += sum((18 + 36 + 2) * channels**2 * pixels / 4 for channels, pixels in stages[:2])
    adds += 4 * width * 10
    table = tables.load("nasbench201", TABLE if TABLE.is_file() else None).set_index("arch")["flops"]
    flops = table["|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"]
    assert adds == 220_119_680
    assert 1 <= flops / adds < 1.03
