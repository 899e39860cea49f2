"""What `supernet status` and the shell's completion say of a project."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import BIN, ROOT, TINY, Project

from supernet import config, params, paths, plan, records
from supernet.commands import status
from supernet.errors import UserError

WEIGHTS = "results/demo/runs/nasbench201-digits/{}/s{}/i{}/weights.safetensors"
WHERE = ["--scale", "demo", "--task", "nasbench201-digits", "--method", "landmark-t3", "--seed", "0", "--iteration"]


def together() -> dict:
    return status.answer({"demo": config.load("demo")})["scales"]["demo"]["together"]


def counts(of: dict) -> dict[str, int]:
    return {state: count for state, count in of["jobs"].items() if count}


def test_everything_is_done_and_has_cost_what_its_jobs_say(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [path for path in Path("results/demo/costs").rglob("*.json") if "truth" not in path.name]
    found = status.answer({"demo": config.load("demo")})["scales"]["demo"]
    assert counts(found["together"]) == {"done": len(files)}
    seconds = sum(records.read_json(path)["cpu_seconds"] for path in files)
    assert found["together"]["spent_core_hours"] == pytest.approx(seconds / 3600)
    assert found["together"]["rest_core_hours"] == 0
    assert found["studies"]["demo"]["stages"]["train"]["jobs"]["done"] == 2 * (
        2 + 2
    )  # seeds, and segments of two methods
    status.status()
    shown = capsys.readouterr().out
    assert shown.startswith("scale demo\n") and "away" not in shown
    status.status(study="demo", json=True)
    assert counts(json.loads(capsys.readouterr().out)["scales"]["demo"]["together"]) == {"done": len(files)}


def test_what_is_missing_is_estimated_from_its_kind(project: Project) -> None:
    done = together()["jobs"]["done"]
    warm_ups = [WEIGHTS.format("spos", seed, 0) for seed in (0, 1)]
    for path in warm_ups:
        Path(path).unlink()
    assert counts(together()) == {"done": done - 2, "away": 2}  # their costs are in git: they are only not here
    assert together()["rest_core_hours"] == 0
    seconds = records.read_json(paths.costs(warm_ups[0]))["cpu_seconds"]
    Path(paths.costs(warm_ups[1])).unlink()
    assert counts(together()) == {"done": done - 2, "away": 1, "missing": 1}
    assert together()["rest_core_hours"] == pytest.approx(seconds / 3600)  # of the other seed
    for path in Path("results/demo/costs/runs").rglob("*.json"):
        path.unlink()
    missing = together()
    assert missing["rest_unknown_jobs"] == missing["jobs"]["missing"] == 2 and missing["rest_core_hours"] == 0


def test_what_other_parameters_made_is_stale(project: Project) -> None:
    before = together()["jobs"]["done"]
    project.write(params.merge(TINY, {"methods": {"landmark-t3": {"regulariser": {"args": {"weight": 5.0}}}}}))
    stale = counts(together())
    trained = 4  # and what reads the method's settings, the metrics and the tables of the study
    assert stale["done"] + stale["stale"] == before and stale["stale"] >= trained
    assert together()["rest_core_hours"] > 0


def test_a_job_is_running_then_stopped_then_done(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = {"epochs": 61, "warmup": 1, "checkpoint_every": 20}
    project.write(params.merge(TINY, {"methods": {"spos": {"train": train}}}))
    chosen = config.load("demo")
    output = WEIGHTS.format("landmark-t3", 0, 1)
    assert plan.train(chosen, scale="demo", task="nasbench201-digits", method="landmark-t3", seed=0, iteration=1)
    code = "from supernet import cli, train; train.SAVE_EVERY = 0.1; cli.main()"
    command = [sys.executable, "-c", code, "stage", "train", *WHERE, "1"]
    project.snakemake(WEIGHTS.format("spos", 0, 0))
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while not list(Path("results/.state").glob("*/state.safetensors")):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        found = status.answer({"demo": chosen})
        assert found["running"] == [{"output": output, "host": os.uname().nodename, "pid": process.pid}]
        assert found["scales"]["demo"]["together"]["jobs"]["running"] == 1
        status.status()
        assert f"running: {output} on {os.uname().nodename}, process {process.pid}" in capsys.readouterr().out
    finally:
        process.kill()
        process.wait()
    assert together()["jobs"]["stopped"] == 1 and together()["jobs"]["running"] == 0
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
    assert together()["jobs"]["stopped"] == 0
    assert not list(Path("results/.state").iterdir())


def test_a_scale_without_finished_jobs_has_no_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = together()
    assert set(counts(found)) == {"missing"} and found["rest_unknown_jobs"] == found["jobs"]["missing"]
    status.status()
    assert f"? ({found['jobs']['missing']} jobs)" in capsys.readouterr().out


def test_the_committed_results_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # among them is a net that was not trained at all
    found = status.answer({"reduced": config.load("reduced")})["scales"]["reduced"]
    assert found["studies"]["zero-shot"]["jobs"]["done"] and found["together"]["spent_core_hours"] > 1


def test_a_study_is_asked_where_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=r"studies\.paper-or-code\.scales: not at scale demo, but at: "):
        status.status(scale="demo", study="paper-or-code")
    with pytest.raises(UserError, match="studies: no 'nobody'; known: "):
        status.status(study="nobody")
    status.status(study="demo")
    assert capsys.readouterr().out.count("scale ") == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ra"], ["rank"]),
        (["rank", "--run", "demo/nasbench201-digits/sp"], [f"demo/nasbench201-digits/spos/s{s}" for s in (0, 1)]),
        (["describe", "landmark-"], ["landmark-t3"]),
        (["status", "--scale", "d"], ["demo"]),
        (["costs", "--study", ""], ["demo"]),
        (["stage", "train", "--method", "gd"], ["gdas"]),
        (["score", "x", "--run", "r", "--estimator", "oneshot-s"], ["oneshot-search"]),
    ],
)
def test_the_shell_completes_names(finished: Project, words: list[str], expected: list[str]) -> None:
    assert complete(finished.folder, words) == expected


def test_without_parameters_nothing_is_completed_and_nothing_fails(tmp_path: Path) -> None:
    for content in (None, "studies:", "studies: 3", "scales: [demo]", "studies: {3: {}}"):
        if content is not None:
            (tmp_path / "params.yaml").write_text(content)
        for option in ("--scale", "--study"):
            assert complete(tmp_path, ["status", option, ""]) == []


def complete(folder: Path, words: list[str]) -> list[str]:
    line = ["supernet", *words]
    asked = {"_SUPERNET_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(words))}
    done = subprocess.run(
        [BIN / "supernet"], cwd=folder, env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()
