"""Runs all cases and writes ``bench.json`` and ``table.md``."""

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

Case = tuple[Callable[..., Rows], tuple[Any, ...]]


def plan(where: str) -> list[Case]:
    """Every case with its arguments; few rounds where a step is long."""
    return [
        (steps.steps, (1, 64, 24, where)),
        (steps.steps, (1, 256, 10, where)),
        (steps.steps, (5, 64, 10, where)),
        (steps.steps, (5, 256, 4, where)),
        (scores.scoring, (1, 64, 12, where)),
        (scores.scoring, (1, 250, 8, where)),
        (scores.scoring, (5, 250, 3, where)),
        (scores.whole_space, (64, 16, where)),
        (steps.trainings, (12, where)),
        (scores.together, (where,)),
        (scores.fidelity, (where,)),
        (steps.growth, (8, where)),
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
    records.write_json(folder / "bench.json", {"machine": machine, "rows": rows})
    page = table({"machine": machine, "rows": rows})
    records.write_text(folder / "table.md", page)
    return page


def table(content: dict[str, Any]) -> str:
    """Markdown of ``bench.json``: a line a number, with its target and whether it is met."""
    machine = content["machine"]
    head = (
        "case",
        "cells",
        "batch",
        "images/s",
        "GFLOP/s",
        "of attainable",
        "against",
        "ratio",
        "target",
        "memory, MB",
    )
    lines = [
        f"One thread of {machine['processor']}, torch {machine['torch']}; ratios of times taken in turns.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for row in content["rows"]:
        speed = f"{row['images'] / row['seconds']:,.0f}" if row.get("images") else "–"
        gflops = f"{row['gflops']:.0f}" if row.get("gflops") else "–"
        share = f"{row['gflops'] / row['attainable_gflops']:.0%}" if row.get("gflops") else "–"
        cells = (
            row["case"], row["cells"] or "–", row["batch"], speed, gflops, share, row["against"],
            f"{row['ratio']:.2f}", target(row), row.get("peak_memory_mb") or "–",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def target(row: dict[str, Any]) -> str:
    """``≤ 1.8, met``: what a row's ratio should be, and whether it is; a dash without a target."""
    if row["target"] is None:
        return "–"
    larger = row.get("larger_is_better", False)
    met = row["ratio"] >= row["target"] if larger else row["ratio"] <= row["target"]
    return f"{'≥' if larger else '≤'} {row['target']}, {'met' if met else '**missed**'}"
