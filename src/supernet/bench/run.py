"""Runs all cases and writes their rows and the page."""

import concurrent.futures
import multiprocessing
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from supernet import records
from supernet.bench import scores, steps
from supernet.bench.subjects import Rows
from supernet.report import speed

Case = tuple[Callable[..., Rows], tuple[Any, ...]]


def plan(where: str) -> list[Case]:
    """Every case with its arguments; few rounds where a step is long."""
    return [
        (steps.steps, (1, 64, 24, where)),
        (steps.steps, (1, 256, 9, where)),
        (steps.steps, (5, 64, 9, where)),
        (steps.steps, (5, 256, 3, where)),
        (scores.scoring, (1, 64, 12, where)),
        (scores.scoring, (1, 250, 8, where)),
        (scores.scoring, (5, 250, 3, where)),
        (scores.whole_space, (64, 16, where)),
        (steps.trainings, (12, where)),
        (scores.together, (where,)),
        (scores.fidelity, (where,)),
        (steps.without, (12, where)),
        (steps.growth, (9, where)),
        (steps.memory, (where,)),
    ]


def run(folder: Path, where: str, processor: str) -> str:
    """Run every case, one after another, each in a fresh process; return the page that was written to ``folder``."""
    rows: Rows = []
    context = multiprocessing.get_context("spawn")
    for case, arguments in tqdm(plan(where), desc="bench", unit="case", dynamic_ncols=True):
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            rows += pool.submit(case, *arguments).result()
    import torch

    machine = {"processor": processor, "torch": torch.__version__, "python": platform.python_version(), "threads": 1}
    content = {"machine": machine, "rows": rows}
    page = speed.table(content)
    records.write_json(folder / "bench.json", content)
    records.write_text(folder / "table.md", page)
    return page
