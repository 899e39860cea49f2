"""Cases of scoring: each function runs in a process of its own and returns rows, one a number."""

from collections import Counter

import torch

from supernet import arch as archs
from supernet import data, device, estimators, metrics
from supernet.bench.subjects import SPACE, Rows, build, images, sampled
from supernet.bench.timing import convolutions, floor, flops, interleaved, peak_memory_mb, ratio
from supernet.data import Images
from supernet.datasets import digits
from supernet.methods import Setup, spos
from supernet.seeding import stream
from supernet.settings import Train
from supernet.step import Trainer


def scoring(cells: int, batch: int, count: int, where: str) -> Rows:
    """Evaluation of ``count`` architectures on 1,000 images, by each way of normalising."""
    device.prepare(1, where)
    net, chosen = build(cells, where).eval(), sampled(count)
    batches = 1000 // batch
    subject = estimators.Subject(net, images((batches + 10) * batch, where))
    ways = {
        "evaluation, batch statistics": {},
        "evaluation, recalibrated": {"statistics": "recalibrated"},
        "evaluation, batch statistics, bfloat16": {"precision": "bf16"},
    }
    made = {
        name: estimators.make("oneshot", subject, {"batch": batch, "batches": batches, **args})
        for name, args in ways.items()
    }
    seconds = interleaved({name: lambda _, e=e: e(chosen) for name, e in made.items()}, 2, where)
    x = torch.randn(batch, 3, 32, 32, device=where)
    convs = sum((convolutions(net, lambda a=a: net(x, a)) for a in chosen), Counter())
    at_least, work = batches * floor(convs, batch, False, where), batches * flops(convs, batch, False)
    plain = seconds["evaluation, batch statistics"]
    rows = []
    for name, times in seconds.items():
        first = times is plain
        rows.append(
            {
                "case": name, "cells": cells, "batch": batch, "seconds": min(times), "images": count * batches * batch,
                "against": "its floor" if first else "batch statistics",
                "ratio": min(times) / at_least if first else ratio(times, plain), "target": 2.0 if first else None,
                "peak_memory_mb": peak_memory_mb(where),
            }
        )  # fmt: skip
        if first:
            rows[-1] |= {"gflops": work / min(times) / 1e9, "attainable_gflops": work / at_least / 1e9}
    return rows


def whole_space(batch: int, share: int, where: str) -> Rows:
    """All architectures on one batch: each one by itself, and with equal plans and first cells shared.

    Only one part in ``share`` of both is run, in blocks that lie evenly in the order of scoring.
    """
    device.prepare(1, where)
    net = build(1, where).eval()
    everything = list(archs.enumerate_archs(SPACE.choices))
    plans = sorted({net.plan(a): a for a in everything}.values())
    x = torch.randn(batch, 3, 32, 32, device=where)
    block = 128
    blocks = [plans[i : i + block] for i in range(0, len(plans), block)][::share]
    alone = [everything[i] for i in stream(0, "whole").choice(len(everything), len(everything) // (4 * share))]

    def together(_: int) -> None:
        for chosen in blocks:
            for _logits in net.each(x, chosen, keep=64):
                pass

    with torch.inference_mode():
        cases = {"each": together, "alone": lambda _: [net(x, a) for a in alone]}
        seconds = interleaved(cases, 1, where)
        sample = [a for chosen in blocks for a in chosen][:: 8 * share]
        equal = all(torch.equal(one, net(x, a)) for a, one in zip(sample, net.each(x, sample, keep=64), strict=True))
    each = seconds["each"][0] * len(plans) / sum(map(len, blocks))
    one_by_one = seconds["alone"][0] * len(everything) / len(alone)
    return [
        {
            "case": f"whole space, {len(everything):,} architectures", "cells": 1, "batch": batch, "seconds": each,
            "images": batch * len(everything), "against": "the speed of one by one", "ratio": one_by_one / each,
            "target": 2.7, "larger_is_better": True, "peak_memory_mb": peak_memory_mb(where),
            "distinct": len(plans), "bit_equal": equal, "extrapolated_from": sum(map(len, blocks)) / len(plans),
        }
    ]  # fmt: skip


def fidelity(where: str) -> Rows:
    """Kendall's tau of one-shot losses in bfloat16 and float32, of a super-net trained for a short while."""
    device.prepare(1, where)
    arrays = data.prepare(
        digits.make(images=3000, test=10, size=16)(None, None),
        size=16, split={"weights": 2000, "guide": 10, "score": 900}, seed=0,
    )  # fmt: skip
    statistics_ = {"mean": torch.from_numpy(arrays["mean"]), "std": torch.from_numpy(arrays["std"])}
    train, score = (
        Images(
            torch.from_numpy(arrays[f"{name}/images"]), torch.from_numpy(arrays[f"{name}/labels"]),
            **statistics_, classes=10, flip=False, device=where,
        )
        for name in ("weights", "score")
    )  # fmt: skip
    net = build(1, where)
    made = Trainer(
        net, spos.make(Setup(SPACE, 20, 0, 0)), train, None, Train(epochs=20, batch=100, lr=0.1, weight_decay=5e-4), [0]
    )
    for number in range(20 * made.steps):
        made.step(number, lambda name, value: None)
    subject = estimators.Subject(net, score)
    whole, half = (
        estimators.make("oneshot", subject, {"batch": 100, "batches": 9, "precision": p})(sampled(100))["loss"]
        for p in ("fp32", "bf16")
    )
    return [
        {"case": "rank fidelity of bfloat16", "cells": 1, "batch": 100, "against": "float32, Kendall's tau",
         "ratio": metrics.kendall_tau(whole, half), "target": None, "larger_is_better": True, "archs": 100}
    ]  # fmt: skip


def together(where: str) -> Rows:
    """Seconds an architecture when 10, 50 or 250 are scored together."""
    device.prepare(1, where)
    batch, net = 64, build(1, where).eval()
    x = torch.randn(batch, 3, 32, 32, device=where)

    def score(count: int) -> None:
        for _ in net.each(x, sorted(sampled(count)), keep=64):
            pass

    with torch.inference_mode():
        each = {n: interleaved({"": lambda _, n=n: score(n)}, 1, where)[""][0] / n for n in (10, 50, 250)}
    return [
        {"case": f"{count} architectures together", "cells": 1, "batch": batch, "against": "10, each architecture",
         "seconds": value, "ratio": value / each[10], "target": None}
        for count, value in each.items()
    ]  # fmt: skip
