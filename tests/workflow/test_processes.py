"""A training that two processes share, from the command line."""

import numpy as np
from project import TINY, Project

from supernet import params, records

RUN = "results/demo/runs/nasbench201-digits/spos/s0/i0/weights.safetensors"
SHARED = {"processes": 2, "methods": {"spos": {"train": {"slices": 2}}}}


def test_processes_share_a_training_and_one_of_them_writes(project: Project) -> None:
    train = ("stage", "train", "--scale", "demo", "--task", "nasbench201-digits", "--method", "spos", "--seed", "0")
    train += ("--iteration", "0")
    weights = []
    for processes in (1, 2):
        project.write(params.merge(params.merge(TINY, SHARED), {"processes": processes}))
        done = project.supernet(*train)
        assert done.returncode == 0, done.stderr
        stamp, content = records.provenance(project.folder / RUN), records.read_tensors(project.folder / RUN)
        assert stamp["settings"].get("processes", 1) == processes and stamp["settings"]["train"]["slices"] == 2
        weights.append(content)
    one, two = weights
    assert all(np.allclose(one[name], two[name], rtol=1e-5, atol=1e-6) for name in one)
    assert not list((project.folder / "results" / ".state").iterdir())

    project.write(params.merge(params.merge(TINY, SHARED), {"methods": {"spos": {"train": {"lr": 1e12}}}}))
    done = project.supernet(*train)
    lines = [line for line in done.stderr.splitlines() if "step/s" not in line and line.strip()]
    assert done.returncode == 2 and len(lines) == 1 and "training diverged in epoch 1" in lines[0], done.stderr
