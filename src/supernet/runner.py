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
    started = _now()
    with states.locked(state):
        _label(state, job)
        try:
            module.run(job, state)
        except BaseException:
            if states.holds_something(state):
                with contextlib.suppress(UserError):  # a full disk: what stopped the stage is the error to report
                    records.write_json(state / "spent.json", _spent(state, started))
            else:
                shutil.rmtree(state, ignore_errors=True)
            raise
        _write_costs(job, code, _spent(state, started))
        shutil.rmtree(state, ignore_errors=True)


def _label(state: Path, job: Job) -> None:
    """Write into the lock which job has it, and which process: what `supernet status` shows as running."""
    label = {"output": job.first, "host": socket.gethostname(), "pid": os.getpid()}
    (state / states.LOCK).write_text(json.dumps(label))


def _now() -> dict[str, float]:
    return {"seconds": time.perf_counter(), "cpu_seconds": time.process_time()}


def _spent(state: Path, started: dict[str, float]) -> dict[str, float]:
    """Seconds since ``started``, and those that earlier, interrupted attempts took; by the wall and by the CPU."""
    path = state / "spent.json"
    before = records.read_json(path) if path.exists() else {}
    return {clock: round(before.get(clock, 0.0) + now - started[clock], 2) for clock, now in _now().items()}


def _write_costs(job: Job, code: str, seconds: dict[str, float]) -> None:
    spent = {
        "stage": job.stage,
        **seconds,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "accelerator": _accelerator() is not None,
        "accelerator_memory_mb": _accelerator_memory_mb(),
        "processor": processor(),
        "python": platform.python_version(),
        "torch": sys.modules["torch"].__version__ if "torch" in sys.modules else None,
        "code": code,
    }
    records.write_json(paths.costs(job.first), spent)


def processor() -> str:
    """The processor's name, or the accelerator's where one is in use."""
    if (name := _accelerator()) is not None:
        return name
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def _accelerator() -> str | None:
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_initialized() else None


def _accelerator_memory_mb() -> int | None:
    """The most that tensors took on it at a time."""
    return None if _accelerator() is None else sys.modules["torch"].cuda.max_memory_allocated() // 2**20
