"""The same tiny study under real DVC: cached, compared, pushed, pulled, taken back, and killed."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from project import BIN, ROOT, Project, stages

from supernet import records

pytestmark = pytest.mark.system
LANDMARK = "demo_run_nasbench201-digits_landmark-t3"
STUDY = "demo_study_demo"
WEIGHT = "methods.landmark.regulariser.args.weight"
RUNS = "results/demo/runs/nasbench201-digits"
WEIGHTS = f"{RUNS}/landmark-t3/s0/i2/weights.safetensors"
NUMBERS = "results/demo/report/demo/metrics.json"


@pytest.fixture(scope="module")
def kept(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished project as a repository of its own, under DVC, with one commit."""
    project = finished.copy(tmp_path_factory.mktemp("dvc") / "project")
    for name in ("Snakefile", "Makefile", "workflow", "profiles", ".dvcignore", ".gitignore"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project.folder / name)
    (project.folder / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy(ROOT / ".dvc" / name, project.folder / ".dvc" / name)
    # Here the demo stands for a study whose results git keeps.
    ignored = project.folder / ".gitignore"
    ignored.write_text(ignored.read_text().replace("/results/demo/\n", ""))
    (project.folder / "dvc.yaml").write_text(stages.document(project.folder / "params.yaml"))
    run(project, "git", "init", "--quiet", "--initial-branch", "main")
    run(project, "dvc", "repro")
    commit(project, "first")
    return project


def run(project: Project, *command: str, status: int = 0) -> str:
    done = subprocess.run(
        command, cwd=project.folder, env=environment(project), capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def environment(project: Project) -> dict[str, str]:
    who = {f"GIT_{role}_{what}": "test" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "HOME": str(project.folder.parent), **who}


def commit(project: Project, name: str) -> None:
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", name)
    run(project, "git", "tag", name)


def make(project: Project, target: str, status: int = 0) -> str:
    """A target of the Makefile at this scale, in the environment that these tests run in."""
    ready = BIN.parent / ".ready"
    return run(project, "make", target, "SCALE=demo", f"VENV={BIN.parent}", f"--old-file={ready}", status=status)


def ran(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def nothing_to_do(project: Project) -> bool:
    return "Nothing to be done" in run(project, "snakemake", "--dry-run", "demo")


def test_a_second_repro_does_nothing_in_seconds(kept: Project) -> None:
    started = time.monotonic()
    output = run(kept, "dvc", "repro")
    assert time.monotonic() - started < 20
    assert not ran(output) and "up to date" in output
    tracked = run(kept, "git", "ls-files", "results").splitlines()
    assert "results/demo/metrics/demo.parquet" in tracked  # what git keeps and what DVC keeps do not overlap
    assert not [path for path in tracked if path.endswith(".safetensors")]
    assert "Data and pipelines are up to date" in run(kept, "dvc", "status")


def test_an_experiment_is_compared_and_taken_back_without_training(kept: Project, tmp_path: Path) -> None:
    project = kept.copy(tmp_path / "project")
    before = records.sha256(project.folder / WEIGHTS)
    output = run(project, "dvc", "exp", "run", "--name", "weaker", "--set-param", f"{WEIGHT}=5.0")
    assert ran(output) == {LANDMARK, STUDY}
    after = records.sha256(project.folder / WEIGHTS)
    assert after != before

    (changed,) = [line for line in run(project, "dvc", "params", "diff").splitlines() if WEIGHT in line]
    assert changed.split()[-2:] == ["10.0", "5.0"]
    shown = run(project, "dvc", "metrics", "show")
    assert NUMBERS in shown and "spos.Kendall tau" in shown
    moved = [line for line in run(project, "dvc", "metrics", "diff").splitlines() if line.startswith(NUMBERS)]
    assert moved and all("landmark-t3." in line for line in moved)  # plain SPOS is what it was
    assert "weaker" in run(project, "dvc", "exp", "show", "--csv", "--no-pager")
    for command in (("show",), ("diff", "first")):
        run(project, "dvc", "plots", *command, "--out", "plots")
        page = (project.folder / "plots" / "index.html").read_text()
        assert "S-KdT: demo" in page and '"field": "landmark-t3"' in page
        assert list((project.folder / "plots").rglob("*effects.png"))
        shutil.rmtree(project.folder / "plots")

    commit(project, "second")
    for revision, weights in (("first", before), ("second", after)):
        run(project, "git", "checkout", "--quiet", revision)
        make(project, "adopt")
        assert records.sha256(project.folder / WEIGHTS) == weights
        assert nothing_to_do(project)
        assert not ran(run(project, "dvc", "repro"))


def test_pushed_and_pulled_into_a_clone(kept: Project, tmp_path: Path) -> None:
    project = kept.copy(tmp_path / "project")
    run(project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    commit(project, "with-a-remote")
    make(project, "push")
    clone = Project.at(tmp_path / "clone")
    run(project, "git", "clone", "--quiet", str(project.folder), str(clone.folder))
    assert not (clone.folder / WEIGHTS).exists()
    make(clone, "pull")
    assert records.sha256(clone.folder / WEIGHTS) == records.sha256(project.folder / WEIGHTS)
    assert nothing_to_do(clone) and not ran(run(clone, "dvc", "repro"))
    assert "as params.yaml asks" in make(clone, "verify")


def test_a_clone_without_weights_keeps_one_method_more(kept: Project, tmp_path: Path) -> None:
    clone = Project.at(tmp_path / "clone")
    run(kept, "git", "clone", "--quiet", str(kept.folder), str(clone.folder))
    path, lock = clone.folder / "params.yaml", clone.folder / "dvc.lock"
    before = yaml.safe_load(lock.read_text())["stages"]
    raw = yaml.safe_load(path.read_text())
    raw["scales"]["demo"]["studies"]["demo"]["methods"].append("landmark")
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    added = "demo_run_nasbench201-digits_landmark"
    run(clone, "snakemake", added)
    make(clone, "tables")
    said = make(clone, "keep")
    assert "2 absent" in said and f"{RUNS}/spos: a part of it lies here; move it away" in said
    trained = {file.parts[-4:-1] for file in (clone.folder / "results/demo/runs").rglob("weights.safetensors")}
    assert trained == {(name, seed, i) for name, i in (("spos", "i0"), ("landmark", "i1")) for seed in ("s0", "s1")}
    refused = make(clone, "adopt", status=2)
    assert "make: dvc checkout: nothing is lost;" in refused and f"{RUNS}/spos/s" in refused  # whichever it met first
    shutil.rmtree(clone.folder / RUNS / "spos")
    make(clone, "adopt")
    assert nothing_to_do(clone) and not ran(run(clone, "dvc", "repro", "--allow-missing", "--dry"))
    after = yaml.safe_load(lock.read_text())["stages"]
    task = "demo_task_nasbench201-digits"  # it has more landmarks now
    assert {name for name in after if after[name] != before.get(name)} == {added, STUDY, task}


def test_an_unreachable_remote_is_named_and_nothing_is_lost(kept: Project, tmp_path: Path) -> None:
    project = kept.copy(tmp_path / "project")
    run(project, "dvc", "remote", "add", "--default", "store", "http://127.0.0.1:9/store")
    before = records.sha256(project.folder / WEIGHTS)
    assert "Cannot connect" in refused(project, "push", "push")
    assert records.sha256(project.folder / WEIGHTS) == before and "up to date" in run(project, "dvc", "status")
    shutil.rmtree(project.folder / ".dvc" / "cache")
    (project.folder / WEIGHTS).rename(tmp_path / "weights")
    refused(project, "pull", "fetch")
    (tmp_path / "weights").rename(project.folder / WEIGHTS)  # the rest of its folder is where it was
    assert nothing_to_do(project)
    assert "no remote" in refused(kept, "push", "push", "no remote")


def refused(project: Project, target: str, command: str, reason: str = "127.0.0.1") -> str:
    """The one line that `make` prints before its own `*** Error`."""
    line, error = make(project, target, status=2).splitlines()
    assert line.startswith(f"make: dvc {command}: ") and reason in line and "Error 1" in error, line
    return line


def test_a_kill_leaves_a_lock_that_says_how_to_go_on(kept: Project, tmp_path: Path) -> None:
    project = kept.copy(tmp_path / "project")
    path = project.folder / "params.yaml"
    path.write_text(path.read_text().replace("weight: 10.0", "weight: 6.0"))
    process = subprocess.Popen(
        ["dvc", "repro"], cwd=project.folder, env=environment(project), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log = project.folder / "logs/train/demo/nasbench201-digits/landmark-t3/s0/i1.log"
    log.unlink()
    began = time.monotonic()
    while not (log.exists() and "step" in log.read_text()):
        assert process.poll() is None and time.monotonic() - began < 120
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    output = run(project, "dvc", "repro", status=255)
    assert "Directory cannot be locked" in output and "--unlock" in output and "Traceback" not in output
    run(project, "snakemake", "--unlock")
    assert ran(run(project, "dvc", "repro")) == {LANDMARK, STUDY}
    assert nothing_to_do(project) and "up to date" in run(project, "dvc", "status")


def test_a_clone_without_weights_is_adopted_and_nothing_is_to_be_run(tmp_path: Path) -> None:
    """README's first step on the committed results: DVC vouches for them, and Snakemake takes them for its own."""
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], check=True)
    clone = Project.__new__(Project)
    clone.folder = tmp_path / "clone"
    ready = f"VENV={BIN.parent}", f"--old-file={BIN.parent / '.ready'}"
    wrong = run(clone, "make", "adopt", "SCALE=reducd", *ready, status=2)
    assert "make: SCALE=reducd: DVC has no stage of it" in wrong
    run(clone, "make", "adopt", *ready)
    assert "Nothing to be done" in run(clone, "snakemake", "--dry-run", "reduced")
