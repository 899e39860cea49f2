"""Cases of training: each function runs in a process of its own and returns rows, one a number."""

import statistics
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from supernet import device, standalone
from supernet.bench.subjects import SPACE, Paths, Rows, build, images, row, sampled, stepping, threes, trainer
from supernet.bench.timing import Work, interleaved, memory_mb, peak_memory_mb, work
from supernet.methods import Setup, spos
from supernet.nets import ops
from supernet.nets.stacked import Stacked
from supernet.regularisers import Regularised, landmark
from supernet.settings import Train
from supernet.step import Trainer

PLAIN, ACTIVE, INACTIVE, HALF = (
    "plain step", "step with an active pair", "step with an inactive pair", "plain step, bfloat16"
)  # fmt: skip
TARGETS = {PLAIN: 1.8, ACTIVE: 2.6, INACTIVE: 1.5, HALF: None}


def steps(cells: int, batch: int, rounds: int, where: str) -> Rows:
    """Plain step, with an active and with an inactive pair, and in bfloat16; ``rounds`` is a multiple of three."""
    device.prepare(1, where)
    net, chosen = build(cells, where), threes(rounds // 3)
    cases = {
        name: stepping(trainer(net, Paths(chosen, pair), batch, where, "bf16" if name == HALF else "fp32"))
        for name, pair in ((PLAIN, None), (ACTIVE, True), (INACTIVE, False), (HALF, None))
    }
    seconds = {name: sum(times) for name, times in interleaved(cases, rounds, where).items()}

    x, plain, forward, both = torch.randn(2, 3, 32, 32, device=where), Work(), Work(), Work()
    for number, path in enumerate(chosen):
        pair = [a for a in chosen[number // 3 * 3 : number // 3 * 3 + 3] if a is not path]
        plain += work(net, lambda path=path: net(x, path), batch, True, where)
        forward += work(net, lambda pair=pair: list(net.each(x, pair)), batch, False, where)
        both += work(net, lambda pair=pair: list(net.each(x, pair)), batch, True, where)
    works = {PLAIN: plain, ACTIVE: plain + both, INACTIVE: plain + forward, HALF: plain}
    rows = []
    for name, total in seconds.items():
        first = name == PLAIN
        rows.append(
            row(
                name, cells, batch, total / rounds, "its floor" if first else PLAIN,
                total / (plain.seconds if first else seconds[PLAIN]), target=TARGETS[name], images=batch,
                work=None if name == HALF else works[name] * (1 / rounds),
                bound=None if first or name == HALF else works[name].seconds / plain.seconds,
                memory=peak_memory_mb(where),
            )
        )  # fmt: skip
    return rows


def without(rounds: int, where: str) -> Rows:
    """A plain step without one of the techniques that make it fast."""
    device.prepare(1, where)
    batch, chosen = 64, threes(rounds // 3)

    def nchw() -> Callable[[int], None]:
        made = trainer(build(1, where).to(memory_format=torch.contiguous_format), Paths(chosen), batch, where)
        take = made.weights.batch
        made.weights.batch = lambda *a: (lambda x, y: (x.contiguous(), y))(*take(*a))
        return stepping(made)

    def pooled() -> Callable[[int], None]:
        step, ours = stepping(trainer(build(1, where), Paths(chosen), batch, where)), ops.PLAIN["avg_pool_3x3"]

        def run(number: int) -> None:
            ops.PLAIN["avg_pool_3x3"] = lambda x: F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
            step(number)
            ops.PLAIN["avg_pool_3x3"] = ours

        return run

    cases = {PLAIN: stepping(trainer(build(1, where), Paths(chosen), batch, where)), "nchw": nchw(), "pool": pooled()}
    seconds = {name: sum(times) for name, times in interleaved(cases, rounds, where).items()}
    names = {"nchw": "plain step without channels-last memory", "pool": "plain step with torch's pooling"}
    return [
        row(name, 1, batch, seconds[key] / rounds, PLAIN, seconds[key] / seconds[PLAIN], images=batch)
        for key, name in names.items()
    ]


def trainings(rounds: int, where: str) -> Rows:
    """Stand-alone training at the demo's size: seeds one after another, and side by side in one net."""
    device.prepare(1, where)
    settings = Train(epochs=6, batch=128, lr=1e-4, weight_decay=5e-4, nesterov=True)
    split, steps_each = images(512, where, 12), settings.epochs * (4000 // settings.batch)
    x, one_by_one = torch.randn(2, 3, 12, 12, device=where), Work()
    cases: dict[int, Callable[[int], object]] = {}
    for copies in (1, 2, 4):
        pool = []
        for path in sampled(6):
            nets = [SPACE.build(width=8, cells=1, classes=10, affine=True, track=True, seed=s) for s in range(copies)]
            alone = [net.extract(path).to(where) for net in nets]
            model = alone[0] if copies == 1 else Stacked(alone)
            pool.append(Trainer(model, standalone.Plain(), split, None, settings, range(copies)))
            if copies == 1:
                one_by_one += work(model, lambda m=model: m(x), settings.batch, True, where)

        def run(number: int, pool: list[Trainer] = pool) -> None:
            for made in pool:
                made.step(number, lambda name, value: None)

        cases[copies] = run
    seconds = {copies: statistics.median(times) for copies, times in interleaved(cases, rounds, where).items()}
    rows = []
    for copies, total in seconds.items():
        first, each = copies == 1, total / (6 * copies)
        rows.append(
            row(
                "stand-alone step" if first else f"stand-alone step, {copies} seeds side by side", 1, settings.batch,
                each, "its floor" if first else "one seed",
                total / one_by_one.seconds if first else total / copies / seconds[1],
                images=settings.batch, work=one_by_one * (1 / 6) if first else None, memory=peak_memory_mb(where),
                trainings_per_core_hour=3600 / (each * steps_each),
            )
        )  # fmt: skip
    return rows


def regularised(setup: Setup, pairs: int = 1) -> Regularised:
    """SPOS with ``pairs`` landmark pairs a step from the first one on."""
    return Regularised(spos.make(setup), landmark.make(setup, count=pairs), 0)


def growth(rounds: int, where: str) -> Rows:
    """How a step's time grows with pairs m, landmarks M, cells and width."""
    device.prepare(1, where)
    batch, net = 64, build(1, where)

    def with_pairs(landmarks: int, pairs: int) -> Callable[[int], None]:
        setup = Setup(SPACE, 10, 0, 0, tuple(sampled(landmarks)), np.arange(landmarks) / landmarks)
        made = trainer(net, regularised(setup, pairs), batch, where)
        start = 5 * made.steps
        return lambda number: made.step(start + number, lambda name, value: None)

    def plain(cells: int, width: int) -> Callable[[int], None]:
        return stepping(trainer(build(cells, where, width), Paths(threes(rounds // 3)), batch, where))

    groups = {
        "pairs m": {m: with_pairs(30, m) for m in (1, 2, 4, 8)},
        "landmarks M": {count: with_pairs(count, 1) for count in (10, 30, 100)},
        "cells": {cells: plain(cells, 16) for cells in (1, 3, 5)},
        "width": {width: plain(1, width) for width in (16, 32)},
    }
    cases = {f"{what} = {value}": case for what, group in groups.items() for value, case in group.items()}
    seconds = {name: sum(times) for name, times in interleaved(cases, rounds, where).items()}
    rows = []
    for what, group in groups.items():
        first = f"{what} = {min(group)}"
        for name in (f"{what} = {value}" for value in group):
            rows.append(row(name, None, batch, seconds[name] / rounds, first, seconds[name] / seconds[first]))
    return rows


def memory(where: str) -> Rows:
    """Resident memory after 100 steps with a pair, and after 400."""
    device.prepare(1, where)
    setup = Setup(SPACE, 10, 0, 0, tuple(sampled(30)), np.arange(30) / 30)
    made = trainer(build(1, where), regularised(setup), 64, where, size=16)
    taken = {}
    for number in range(401):
        made.step(5 * made.steps + number, lambda name, value: None)
        taken[number] = memory_mb()
    grown = taken[400] / taken[100]
    return [row("memory after 400 steps", 1, 64, 0.0, "memory after 100", grown, target=1.05, memory=round(taken[400]))]
