"""A tiny study run for real: it ends in a report, does nothing twice, re-runs what a change reaches, and resumes."""

import re
import time
from pathlib import Path

import pandas as pd
from project import TINY, Project

from supernet import params, records

WARM_UP = "results/demo/runs/nasbench201-digits/spos/s0/i0/weights.safetensors"
LOG = "results/demo/logs/nasbench201-digits/spos/s0/i0.jsonl"


def test_the_study_ends_in_a_report(finished: Project) -> None:
    page = (finished.folder / "results/demo/report/demo/table.md").read_text()
    assert "| spos |" in page and "| landmark-t3 |" in page
    rows = pd.read_parquet(finished.folder / "results/demo/metrics/demo.parquet")
    assert set(rows["method"].dropna()) >= {"spos", "landmark-t3", "landmark-t3 - spos"}
    assert set(rows["seed"].dropna()) == set(TINY["seeds"])


def test_gates_pools_and_their_own_searches_run_through_the_pipeline(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "copy")
    study = {"methods": ["spos", "gdas", "nao-landmark-t3"], "searchers": ["own"], "seeds": [1], "contrasts": []}
    project.write(params.merge(TINY, {"studies": {"demo": study}}))
    project.snakemake("demo", "--cores", "2")
    rows = pd.read_parquet(project.folder / "results/demo/metrics/demo.parquet")
    found = rows[(rows["metric"] == "found_accuracy") & rows["seed"].notna()]
    assert set(found["method"]) == {"spos", "gdas", "nao-landmark-t3"} and set(found["searcher"]) == {"own"}
    at = "results/demo/{}/nasbench201-digits/{}/{}/s1/i{}.parquet"
    met = pd.read_parquet(project.folder / at.format("searches", "spos", "nao", 0))  # the first pool: of the warm-up
    assert len(met) == met["arch"].nunique() == 9
    added = pd.read_parquet(
        project.folder / "results/demo/truth/nasbench201-digits/additions/nao-landmark-t3/s1/i1.parquet"
    )
    assert len(added) == 1
    page = (project.folder / "results/demo/report/demo/table.md").read_text()
    assert "Found by each method's own search" in page


def test_a_second_run_does_nothing(finished: Project) -> None:
    assert "Nothing to be done" in finished.snakemake("demo")


def test_another_folder_and_other_processes_give_the_same_bits(finished: Project, tmp_path: Path) -> None:
    """All that one seed's tables are made from: images, truths, weights, logs, scores and searches."""
    again = Project(tmp_path / "again")
    made = {str(path.relative_to(finished.folder)) for path in (finished.folder / "results/demo").rglob("*.*")}
    made = {path for path in made if not path.startswith("results/demo/costs/")}  # seconds differ
    again.snakemake(*sorted(path for path in made if re.search(r"/(scores|found)/.*/s0[/.]", path)))
    one, other = (
        {path: records.sha256(project.folder / path) for path in made if (again.folder / path).exists()}
        for project in (finished, again)
    )
    kinds = {"archs", "data", "logs", "runs", "scores", "searches", "truth"}
    assert len(one) > 20 and {path.split("/")[2] for path in one} == kinds
    assert one == other


def test_a_change_reruns_its_cone_only(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "copy")
    project.write(params.merge(TINY, {"methods": {"landmark-t3": {"regulariser": {"args": {"weight": 5.0}}}}}))
    planned = project.planned("demo")
    trained = {message for message in planned if "training" in message}
    assert trained == {
        f"demo nasbench201-digits: training landmark-t3, seed {seed}, iteration {i}" for seed in (0, 1) for i in (1, 2)
    }
    assert not any("spos" in message for message in planned)
    assert "demo: metrics of demo" in planned

    project.write(params.merge(TINY, {"metrics": {"bootstrap": 30}}))
    assert project.planned("demo") == {
        "demo: metrics of demo", "demo: table of demo", "demo: figures of demo",
        "all studies of scale demo are complete: results/demo/report",
    }  # fmt: skip

    project.write(params.merge(TINY, {"seeds": [0, 1, 2]}))
    assert {message for message in project.planned("demo") if "training" in message} == {
        "demo nasbench201-digits: training spos, seed 2, iteration 0",
        "demo nasbench201-digits: training spos, seed 2, iteration 1",
        "demo nasbench201-digits: training landmark-t3, seed 2, iteration 1",
        "demo nasbench201-digits: training landmark-t3, seed 2, iteration 2",
    }


def test_a_failed_job_says_why_and_fails(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "copy")
    images = project.folder / "results/demo/data/digits.safetensors"
    images.write_bytes(images.read_bytes()[:100])
    output = project.snakemake(WARM_UP, status=1)
    assert "digits.safetensors: not a readable safetensors file" in output
    assert "non-zero exit code" in output and "Traceback" not in output


def test_interrupted_and_resumed_ends_in_the_same_bits(tmp_path: Path) -> None:
    longer = {"spos": {"train": {"epochs": 62, "warmup": 60, "checkpoint_every": 20}}}
    whole = Project(tmp_path / "whole", methods=longer)
    whole.snakemake("results/demo/data/digits.safetensors")
    parts = whole.copy(tmp_path / "parts")
    whole.snakemake(WARM_UP)

    process = parts.start(WARM_UP)
    log = parts.folder / "logs/train/demo/nasbench201-digits/spos/s0/i0.log"
    began = time.monotonic()
    while "/480 " not in (log.read_text() if log.exists() else "") and process.poll() is None:
        assert time.monotonic() - began < 120
        time.sleep(0.05)
    time.sleep(0.5)
    output = parts.interrupt(process)
    assert process.returncode != 0, output
    stopped = re.search(r"stopped at step (\d+) of 480", log.read_text())
    assert stopped, output
    assert not (parts.folder / WARM_UP).exists()
    assert list((parts.folder / "results/.state").glob("*/state.safetensors"))

    parts.snakemake(WARM_UP)
    assert f"| {stopped[1]}/480 " in log.read_text()  # it went on from there
    assert not list((parts.folder / "results/.state").iterdir())
    for path in (WARM_UP, LOG):
        assert records.sha256(parts.folder / path) == records.sha256(whole.folder / path)


def test_tables_come_from_scores_without_weights(finished: Project, tmp_path: Path) -> None:
    clone = finished.copy(tmp_path / "clone")
    report = sorted(p for kind in ("metrics", "report") for p in (clone.folder / "results/demo" / kind).rglob("*.*"))
    before = [records.sha256(path) for path in report]
    for gone in ("runs", "data"):
        for path in (clone.folder / "results/demo" / gone).rglob("*.safetensors"):
            path.unlink()
    output = clone.snakemake(
        "demo", "--allowed-rules", "demo", "measure", "summary", "figures", "--forcerun", "measure"
    )
    assert "metrics of demo" in output and "training" not in output
    assert before == [records.sha256(path) for path in report]
