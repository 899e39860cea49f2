"""The tiny study through a real SLURM of one node: cancelled, timed out or requeued, it ends in a local run's bits."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import ROOT, TINY, Project

from supernet import params, records

pytestmark = pytest.mark.system
SCRIPT = Path(__file__).with_name("slurm_one_node.sh")
PROFILE = ["--workflow-profile", str(ROOT / "profiles" / "slurm")]
# This SLURM keeps no accounts, and its jobs take seconds.
HERE = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
WEIGHTS = "results/demo/runs/nasbench201-digits/spos/s{}/i0/weights.safetensors"
LOG = "results/demo/logs/nasbench201-digits/spos/s{}/i0.jsonl"
STEPS = 240  # of a warm-up: long enough to be caught at it


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[str]]:
    """Options of Snakemake for a running SLURM; where there can be none the tests are skipped and say why."""
    ran_before = Path("/etc/slurm/slurm.conf").is_symlink()
    started = subprocess.run([SCRIPT, "start"], capture_output=True, text=True, check=False, timeout=600)
    if started.returncode:
        pytest.skip(f"no SLURM here: {started.stderr.strip()}")
    yield [*PROFILE, *HERE]
    if not ran_before:
        subprocess.run([SCRIPT, "stop"], check=True, timeout=120)


def test_the_study_has_the_bits_of_a_local_run(finished: Project, cluster: list[str], tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    output = project.snakemake("demo", *cluster)
    assert output.count("has been submitted with SLURM jobid") > 20
    one, other = (
        {
            str(path.relative_to(at.folder)): records.sha256(path)
            for path in (at.folder / "results/demo").rglob("*.*")
            if "costs" not in path.parts
        }
        for at in (finished, project)
    )
    assert {path.split("/")[2] for path in one} >= {"runs", "scores", "metrics", "report"}
    assert one == other


def test_cancelled_requeued_timed_out_it_goes_on_to_the_same_bits(
    finished: Project, cluster: list[str], tmp_path: Path
) -> None:
    """Three warm-ups at once; each asks for a GPU, which this SLURM only counts."""
    local, remote = finished.copy(tmp_path / "local"), finished.copy(tmp_path / "remote")
    train = {"epochs": STEPS // 8 + 2, "warmup": STEPS // 8, "checkpoint_every": 10}
    for project in (local, remote):
        project.write({**params.merge(TINY, {"methods": {"spos": {"train": train}}}), "device": "auto"})
    targets = [WEIGHTS.format(seed) for seed in range(3)]
    local.snakemake(*targets, "--resources", "gpu=2")
    for seed in range(3):
        for path in (WEIGHTS, LOG):
            (remote.folder / path.format(seed)).unlink(missing_ok=True)

    process = remote.start(*targets, *cluster)
    logs = [remote.folder / f"logs/train/demo/nasbench201-digits/spos/s{seed}/i0.log" for seed in range(3)]
    await_(lambda: all(f"/{STEPS} " in read(log) for log in logs))
    cancelled, requeued, timed_out = (job_of(remote, seed) for seed in range(3))
    assert re.search("TresPerJob=gres[:/]gpu:1", slurm("scontrol", "show", "job", cancelled))
    slurm("scontrol", "update", f"JobId={timed_out}", "TimeLimit=1")
    time.sleep(1)
    slurm("scancel", "--signal=STOP", timed_out)  # it would be done within the minute that SLURM counts in
    slurm("scancel", cancelled)
    slurm("scontrol", "requeue", requeued)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert f"'{cancelled}' failed, SLURM status is: 'CANCELLED'" in output
    assert f"'{timed_out}' failed, SLURM status is: 'TIMEOUT'" in output
    assert "Restarts=1" in slurm("scontrol", "show", "job", requeued)
    for seed in range(3):
        assert began_at(logs[seed]) > 0  # the state of the signal: the next one would come after 30 seconds
        for path in (WEIGHTS, LOG):
            assert records.sha256(remote.folder / path.format(seed)) == records.sha256(local.folder / path.format(seed))
    assert not list((remote.folder / "results/.state").iterdir())


def test_many_trainings_are_one_job(finished: Project, cluster: list[str], tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    for seed in (0, 1):
        (project.folder / WEIGHTS.format(seed)).unlink()
    batch = ["--groups", "train=train", "--group-components", "train=2"]
    output = project.snakemake(*(WEIGHTS.format(seed) for seed in (0, 1)), *cluster, *batch)
    (job,) = re.findall(r"submitted with SLURM jobid (\d+)", output)
    about = slurm("scontrol", "show", "job", job)
    assert "TimeLimit=2-00:00:00" in about and "NumCPUs=1 " in about  # one after the other
    for seed in (0, 1):
        assert records.sha256(project.folder / WEIGHTS.format(seed)) == records.sha256(
            finished.folder / WEIGHTS.format(seed)
        )


def test_a_kill_of_snakemake_leaves_a_lock_that_is_explained_and_jobs_that_are_not_doubled(
    finished: Project, cluster: list[str], tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "project")
    (project.folder / WEIGHTS.format(0)).unlink()
    process = project.start(WEIGHTS.format(0), *cluster)
    await_(lambda: str(project.folder) in slurm("squeue", "--noheader", "--format=%Z"))
    process.kill()
    process.wait()
    refused = project.snakemake(WEIGHTS.format(0), *cluster, status=1)
    assert "cannot be locked" in refused and "--unlock" in refused and "Traceback" not in refused
    await_(
        lambda: str(project.folder) not in slurm("squeue", "--noheader", "--format=%Z")
    )  # the job itself knows nothing of it, and finishes
    project.snakemake("--unlock", WEIGHTS.format(0))
    project.snakemake(WEIGHTS.format(0), *cluster)
    assert records.sha256(project.folder / WEIGHTS.format(0)) == records.sha256(finished.folder / WEIGHTS.format(0))


def test_bad_settings_are_one_line_before_the_first_job(finished: Project, cluster: list[str], tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    (project.folder / WEIGHTS.format(0)).unlink()
    asked = [WEIGHTS.format(0), *cluster]
    for wrong, reason in (
        (["--default-resources", "slurm_partition=nowhere"], "invalid partition specified: nowhere; partitions: main"),
        (["--set-resources", "train:mem_mb=999999999"], "Requested node configuration is not available"),
    ):
        (line,) = complaints(project.snakemake(*asked, *wrong, status=1))
        assert line.startswith("supernet: rule train: SLURM refuses") and reason in line
    project.snakemake("--dry-run", WEIGHTS.format(0))  # nothing is locked, nothing is lost


def test_no_sbatch_is_one_line(finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = finished.copy(tmp_path / "project")
    (project.folder / WEIGHTS.format(0)).unlink()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "which"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    (line,) = complaints(project.snakemake(WEIGHTS.format(0), *PROFILE, status=1))
    assert "there is no sbatch on this machine" in line


@pytest.mark.parametrize("foreign", [{"SLURM_CONF": "/cluster/slurm.conf"}, {"SLURM_ONE_NODE": "/nowhere/else"}])
def test_a_slurm_that_is_not_ours_is_left_alone(cluster: list[str], foreign: dict[str, str]) -> None:
    environment = {**os.environ, **foreign}
    refused = subprocess.run([SCRIPT, "start"], env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1 and "this machine" in refused.stderr
    assert not Path("/nowhere").exists()
    assert "main" in slurm("sinfo")


def complaints(output: str) -> list[str]:
    assert "Traceback" not in output and "Error" not in output, output
    return [line for line in output.splitlines() if line.startswith("supernet: ")]


def slurm(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def job_of(project: Project, seed: int) -> str:
    """The running job that trains the warm-up of ``seed``."""
    running = slurm("squeue", "--noheader", "--states=RUNNING", "--format=%A %Z %k").splitlines()
    (job,) = (line.split()[0] for line in running if f" {project.folder} " in line and line.endswith(f"spos_{seed}_0"))
    return job


def began_at(log: Path) -> int:
    """The step at which the last attempt of a training began."""
    return int(re.findall(rf"\| (\d+)/{STEPS} \[00:00<\?", read(log))[0])


def await_(condition: Callable[[], bool], seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain; see the logs"
        time.sleep(0.2)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
