"""Runs one job: its stage, the state it goes on from, the processes that share it, and what it cost."""

import contextlib
import importlib
import json
import os
import platform
import resource
import shutil
import socket
import sys
import time
from pathlib import Path

from supernet import lineage, paths, ranks, records, states
from supernet.digest import digest
from supernet.errors import UserError
from supernet.job import Job


def run(job: Job) -> None:
    """Run a job's stage and write what it cost; its state folder stays only if there is something to go on from."""
    for path in job.sources:
        if not Path(path).exists():
            raise UserError(
                f"{path}: no such file; it is an input of stage {job.stage}: make it first: `snakemake {path}`"
            )
    if (processes := job.settings.get("processes", 1)) > 1 and not ranks.launched():
        sys.exit(ranks.launch(processes, sys.argv))
    module = importlib.import_module(f"supernet.stages.{job.stage}")
    code = digest(*job.modules)
    state = lineage.state(job)
    if not ranks.leads():  # it computes its share; state, lock and costs are the leader's
        module.run(job, state)
        return
    started = time.perf_counter()
    with states.locked(state):
        _label(state, job)
        try:
            module.run(job, state)
        except BaseException:
            if states.holds_something(state):
                with contextlib.suppress(UserError):  # a full disk: what stopped the stage is the error to report
                    records.write_json(state / "spent.json", {"seconds": _spent(state) + time.perf_counter() - started})
            else:
                shutil.rmtree(state, ignore_errors=True)
            raise
        _write_costs(job, code, _spent(state) + time.perf_counter() - started)
        shutil.rmtree(state, ignore_errors=True)


def _label(state: Path, job: Job) -> None:
    """Write into the lock which job has it, and which process: what `supernet status` shows as running."""
    label = {"output": job.first, "host": socket.gethostname(), "pid": os.getpid()}
    (state / states.LOCK).write_text(json.dumps(label))


def _spent(state: Path) -> float:
    """Seconds that earlier, interrupted attempts took."""
    path = state / "spent.json"
    return records.read_json(path)["seconds"] if path.exists() else 0.0


def _write_costs(job: Job, code: str, seconds: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = {
        "stage": job.stage,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_memory_mb": usage.ru_maxrss // 1024,
        "processor": processor(),
        "python": platform.python_version(),
        "torch": sys.modules["torch"].__version__ if "torch" in sys.modules else None,
        "code": code,
    }
    records.write_json(paths.costs(job.first), spent)


def processor() -> str:
    """The processor's name, or the accelerator's where one is in use."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return torch.cuda.get_device_name()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())
