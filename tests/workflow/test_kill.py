"""SIGKILL at random moments: whatever is lost, the weights and the log end in the bits of an undisturbed run."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from project import Project

from supernet import records

KILLS = int(os.environ.get("SUPERNET_KILLS", "4"))
SAVE_EVERY = 0.1  # seconds, so that a training of seconds has states to go on from
WHERE = ["--scale", "demo", "--task", "nasbench201-digits", "--method", "landmark", "--seed", "0", "--iteration", "1"]
OUTPUTS = [
    "results/demo/runs/nasbench201-digits/landmark/s0/i1/weights.safetensors",
    "results/demo/logs/nasbench201-digits/landmark/s0/i1.jsonl",
]
CODE = f"from supernet import cli, train; train.SAVE_EVERY = {SAVE_EVERY}; cli.main()"


def start(project: Project) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE, "stage", "train", *WHERE]
    return subprocess.Popen(command, cwd=project.folder, stderr=subprocess.PIPE, text=True)


def finish(project: Project) -> list[str]:
    process = start(project)
    error = process.communicate(timeout=600)[1]
    assert process.returncode == 0, error
    return [records.sha256(project.folder / path) for path in OUTPUTS]


def last_saved(project: Project) -> int:
    """When the newest state was written, in nanoseconds; 0 if there is none."""
    return max(
        (p.stat().st_mtime_ns for p in (project.folder / "results/.state").glob("*/state.safetensors")), default=0
    )


def test_killed_at_random_moments_it_ends_in_the_same_bits(tmp_path: Path) -> None:
    epochs = 3 + 20 * KILLS  # long enough to be killed so often
    train = {"epochs": epochs, "warmup": 1, "checkpoint_every": 20}
    methods, landmarks = {"spos": {"train": train}}, {"distant30": {"count": 3}}
    project = Project(tmp_path / "project", methods=methods, landmarks=landmarks)
    project.snakemake(
        "results/demo/runs/nasbench201-digits/spos/s0/i0/weights.safetensors",
        "results/demo/truth/nasbench201-digits/landmarks/distant30/s0.parquet",
    )
    undisturbed = finish(project)
    for path in OUTPUTS:
        (project.folder / path).unlink()

    moments, saved = random.Random(0), 0
    for number in range(KILLS):
        process = start(project)
        while last_saved(project) <= saved:
            assert process.poll() is None, f"kill {number}: it ended by itself; train for more epochs"
            time.sleep(0.01)
        time.sleep(0.5 * moments.random())
        process.kill()
        assert process.wait() == -9, f"kill {number}: it ended by itself; train for more epochs"
        assert not any((project.folder / path).exists() for path in OUTPUTS)
        saved = last_saved(project)
    assert finish(project) == undisturbed
    assert not list((project.folder / "results/.state").iterdir())
