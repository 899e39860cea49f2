"""What SLURM is asked before the first job, without SLURM."""

import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow" / "scripts"))
import slurm


def test_a_request_has_all_that_the_job_will_ask_for():
    resources = {"slurm_partition": "gpu", "qos": "long", "gpu": 2, "gpu_model": "a100", "mem_mb": 4000, "runtime": 60}
    job = SimpleNamespace(resources={**resources, "slurm_extra": "'--nodelist=a b'"}, threads=3)
    assert slurm._request(job) == (
        "--partition=gpu", "--qos=long", "--time=60", "--mem=4000", "--gpus=a100:2", "--nodelist=a b",
        "--cpus-per-task=3",
    )  # fmt: skip
    assert "--gpus=2" in slurm._request(SimpleNamespace(resources={"gpu": 2}, threads=1))
