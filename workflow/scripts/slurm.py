"""Would SLURM take these jobs? Asked before the first is submitted: later it is one long error a job, or silence."""

import shlex
import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

OPTIONS = {
    "slurm_partition": "--partition",
    "slurm_account": "--account",
    "clusters": "--clusters",
    "constraint": "--constraint",
    "qos": "--qos",
    "reservation": "--reservation",
    "runtime": "--time",
    "mem_mb": "--mem",
    "gres": "--gres",
}


def refusal(jobs: Iterable[Any], settings: Any) -> str | None:
    """Why SLURM would refuse one of Snakemake's ``jobs``, in one line; None if it would take them all.

    ``settings``: of the executor, whose QOS and reservation go to every job.
    """
    whole = [f"--{name}={value}" for name in ("qos", "reservation") if (value := getattr(settings, name, None))]
    asked = {(*_request(job), *whole): job.rule.name for job in jobs if not job.is_local}
    if asked and not shutil.which("sbatch"):
        return "executor slurm: there is no sbatch on this machine; go to a login node, or leave out --workflow-profile"
    for request, rule in sorted(asked.items()):
        answer = _run("sbatch", "--test-only", *request, "--wrap", "true")
        if answer.returncode:
            words = answer.stderr.strip().splitlines() or ["no reason given"]
            reason = words[0].removeprefix("sbatch: error: ").removeprefix("allocation failure: ")
            partitions = ", ".join(sorted(_run("sinfo", "--noheader", "--format=%R").stdout.split())) or "none answers"
            return (
                f"rule {rule}: SLURM refuses `sbatch {shlex.join(request)}`: {reason}; partitions: {partitions}; "
                "change profiles/slurm/config.yaml"
            )
    return None


def _request(job: Any) -> tuple[str, ...]:
    wanted = [f"{option}={job.resources[name]}" for name, option in OPTIONS.items() if job.resources.get(name)]
    if gpus := job.resources.get("gpu"):
        model = job.resources.get("gpu_model")
        wanted.append(f"--gpus={model}:{gpus}" if model else f"--gpus={gpus}")
    wanted += shlex.split(str(job.resources.get("slurm_extra") or ""))
    return (*wanted, f"--cpus-per-task={job.threads}")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
