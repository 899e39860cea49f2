"""Cases of training: each function runs in a process of its own and returns rows, one a number."""

import statistics
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch

from supernet import device, standalone
from supernet.bench.subjects import SPACE, Paths, Rows, build, images, sampled, stepping, threes, trainer
from supernet.bench.timing import convolutions, floor, flops, interleaved, memory_mb, peak_memory_mb, ratio
from supernet.methods import Setup, landmark
from supernet.nets.stacked import Stacked
from supernet.settings import Train
from supernet.step import Trainer


def steps(cells: int, batch: int, rounds: int, where: str) -> Rows:
    """Plain step, with an active and with an inactive pair, and in bfloat16."""
    device.prepare(1, where)
    net, chosen = build(cells, where), threes(rounds // 3)
    kinds = {"plain step": None, "step with an active pair": True, "step with an inactive pair": False}
    cases = {name: stepping(trainer(net, Paths(chosen, pair), batch, where)) for name, pair in kinds.items()}
    half = "plain step, bfloat16"
    cases[half] = stepping(trainer(net, Paths(chosen), batch, where, "bf16"))
    seconds = interleaved(cases, rounds, where)
    x = torch.randn(batch, 3, 32, 32, device=where)
    convs = sum((convolutions(net, lambda path=path: net(x, path)) for path in chosen), Counter())
    at_least, work = floor(convs, batch, True, where), flops(convs, batch, True)
    plain = seconds["plain step"]
    common = {"cells": cells, "batch": batch, "peak_memory_mb": peak_memory_mb(where)}
    rows = [
        {
            "case": "plain step", **common, "seconds": statistics.mean(plain), "images": batch,
            "gflops": work / sum(plain) / 1e9, "attainable_gflops": work / at_least / 1e9,
            "against": "its floor", "ratio": sum(plain) / at_least, "target": 1.8,
        }
    ]  # fmt: skip
    for name, target in (("step with an active pair", 2.6), ("step with an inactive pair", 1.5), (half, None)):
        # Of sums, not of rounds: the pair is of other architectures than the path.
        relative = sum(seconds[name]) / sum(plain)
        rows.append(
            {"case": name, **common, "seconds": statistics.mean(seconds[name]), "images": batch,
             "against": "plain step", "ratio": relative, "target": target}
        )  # fmt: skip
    return rows


def trainings(rounds: int, where: str) -> Rows:
    """Stand-alone training at the demo's size: seeds one after another, and side by side in one net."""
    device.prepare(1, where)
    settings = Train(epochs=6, batch=128, lr=1e-4, weight_decay=5e-4, nesterov=True)
    split, steps_each = images(512, where, 12), settings.epochs * (4000 // settings.batch)
    cases: dict[str, Callable[[int], object]] = {}
    convs: Counter = Counter()
    for copies in (1, 2, 4):
        pool = []
        for path in sampled(6):
            nets = [SPACE.build(width=8, cells=1, classes=10, affine=True, track=True, seed=s) for s in range(copies)]
            alone = [net.extract(path).to(where) for net in nets]
            model = alone[0] if copies == 1 else Stacked(alone)
            pool.append(Trainer(model, standalone.Plain(), split, None, settings, range(copies)))
            if copies == 1:
                convs += convolutions(model, lambda m=model: m(torch.randn(128, 3, 12, 12, device=where)))

        def run(number: int, pool: list[Trainer] = pool) -> None:
            for made in pool:
                made.step(number, lambda name, value: None)

        cases[str(copies)] = run
    seconds = interleaved(cases, rounds, where)
    one, at_least = seconds["1"], floor(convs, 128, True, where)
    rows = []
    for copies, times in seconds.items():
        each = statistics.median(times) / (6 * int(copies))
        name = "stand-alone step" if copies == "1" else f"stand-alone step, {copies} seeds side by side"
        rows.append(
            {
                "case": name, "cells": 1, "batch": 128, "seconds": each, "images": 128,
                "against": "its floor" if copies == "1" else "one seed",
                "ratio": statistics.median(one) / at_least if copies == "1" else ratio(times, one) / int(copies),
                "target": None, "peak_memory_mb": peak_memory_mb(where),
                "trainings_per_core_hour": 3600 / (each * steps_each),
            }
        )  # fmt: skip
    return rows


def growth(rounds: int, where: str) -> Rows:
    """How a step's time grows with landmarks M, pairs m, cells and width; and scoring with the number of nets."""
    device.prepare(1, where)
    batch = 64
    cases: dict[tuple[str, int], Callable[[int], object]] = {}
    net = build(1, where)

    def regularised(landmarks: int, pairs: int) -> Callable[[int], None]:
        setup = Setup(SPACE, 10, 0, 0, tuple(sampled(landmarks)), np.arange(landmarks) / landmarks)
        made = trainer(net, landmark.make(setup, pairs=pairs), batch, where)
        start = 5 * made.steps
        return lambda number: made.step(start + number, lambda name, value: None)

    for m in (1, 2, 4, 8):
        cases["pairs m", m] = regularised(30, m)
    for count in (10, 30, 100):
        cases["landmarks M", count] = regularised(count, 1)
    for cells in (1, 3, 5):
        cases["cells", cells] = stepping(trainer(build(cells, where), Paths(threes(rounds // 3)), batch, where))
    for width in (16, 32):
        cases["width", width] = stepping(trainer(build(1, where, width), Paths(threes(rounds // 3)), batch, where))
    named = {f"{what} = {value}": case for (what, value), case in cases.items()}
    seconds = interleaved(named, rounds, where)
    first = {what: f"{what} = {min(v for w, v in cases if w == what)}" for what, _ in cases}
    return [
        {"case": f"{what} = {value}", "cells": None, "batch": batch, "against": first[what],
         "seconds": statistics.mean(seconds[f"{what} = {value}"]),
         "ratio": sum(seconds[f"{what} = {value}"]) / sum(seconds[first[what]]), "target": None}
        for what, value in cases
    ]  # fmt: skip


def memory(where: str) -> Rows:
    """Resident memory after 100 steps with a pair, and after 400."""
    device.prepare(1, where)
    setup = Setup(SPACE, 10, 0, 0, tuple(sampled(30)), np.arange(30) / 30)
    made = trainer(build(1, where), landmark.make(setup), 64, where, size=16)
    taken = []
    for number in range(400):
        made.step(5 * made.steps + number, lambda name, value: None)
        if number in (99, 399):
            taken.append(memory_mb())
    return [
        {"case": "memory after 400 steps", "cells": 1, "batch": 64, "against": "after 100 steps",
         "ratio": taken[1] / taken[0], "target": 1.05, "peak_memory_mb": round(taken[1])}
    ]  # fmt: skip
