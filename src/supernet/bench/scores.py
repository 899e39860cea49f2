"""Cases of scoring: each function runs in a process of its own and returns rows, one a number."""

import torch

from supernet import arch as archs
from supernet import data, device, estimators, metrics
from supernet.bench.subjects import SPACE, Rows, build, images, row, sampled
from supernet.bench.timing import Work, interleaved, peak_memory_mb, ratio, work
from supernet.data import Images
from supernet.datasets import digits
from supernet.methods import Setup, spos
from supernet.nets.supernet import KEEP
from supernet.seeding import stream
from supernet.settings import Train
from supernet.step import Trainer


def scoring(cells: int, batch: int, count: int, where: str) -> Rows:
    """Evaluation of ``count`` architectures on 1,000 images, by each way of normalising."""
    device.prepare(1, where)
    net, chosen, batches = build(cells, where).eval(), sampled(count), 1000 // batch
    score = images((batches + 10) * batch, where)
    subject = estimators.Subject(net, score, lambda: score)
    name, x = "evaluation, {}", torch.randn(2, 3, 32, 32, device=where)
    ways = {
        "batch statistics": {},
        "recalibrated": {"statistics": "recalibrated"},
        "batch statistics, bfloat16": {"precision": "bf16"},
    }
    cases = {}
    for way, more in ways.items():
        estimate = estimators.make("oneshot", subject, {"batch": batch, "batches": batches, **more})
        cases[way] = lambda _, estimate=estimate: estimate(chosen)
    seconds = interleaved(cases, 2, where)
    one_pass = sum((work(net, lambda a=a: net(x, a), batch, False, where) for a in chosen), Work())
    works = {"batch statistics": one_pass * batches, "recalibrated": one_pass * (batches + 10)}
    plain, rows = seconds["batch statistics"], []
    for way, times in seconds.items():
        first = way == "batch statistics"
        rows.append(
            row(
                name.format(way), cells, batch, min(times), "its floor" if first else "batch statistics",
                min(times) / works[way].seconds if first else ratio(times, plain), target=2.0 if first else None,
                images=count * batches * batch, work=works.get(way), memory=peak_memory_mb(where),
            )
        )  # fmt: skip
    return rows


def whole_space(batch: int, share: int, where: str) -> Rows:
    """All architectures on one batch: each one by itself, and with equal plans and first cells shared.

    Only one part in ``share`` of both is run, in blocks that lie evenly in the order of scoring.
    """
    device.prepare(1, where)
    net, block = build(1, where).eval(), 128
    everything = list(archs.enumerate_archs(SPACE.choices))
    plans = sorted({net.plan(a): a for a in everything}.values())
    blocks = [plans[i : i + block] for i in range(0, len(plans), block)][::share]
    part = sum(map(len, blocks)) / len(plans)
    alone = [everything[i] for i in stream(0, "whole").choice(len(everything), len(everything) // (4 * share))]

    def together(x: torch.Tensor) -> None:
        for chosen in blocks:
            for _ in net.each(x, chosen, keep=KEEP):
                pass

    def one_by_one(x: torch.Tensor) -> None:
        for arch in alone:
            net(x, arch)

    x, small = torch.randn(batch, 3, 32, 32, device=where), torch.randn(2, 3, 32, 32, device=where)
    with torch.inference_mode():
        seconds = interleaved({"each": lambda _: together(x), "alone": lambda _: one_by_one(x)}, 1, where)
        sample = [a for chosen in blocks for a in chosen][:: 8 * share]
        equal = all(torch.equal(one, net(x, a)) for a, one in zip(sample, net.each(x, sample, keep=KEEP), strict=True))
    shared = work(net, lambda: together(small), batch, False, where) * (1 / part)
    unshared = work(net, lambda: one_by_one(small), batch, False, where) * (len(everything) / len(alone))
    each, single = seconds["each"][0] / part, seconds["alone"][0] * len(everything) / len(alone)
    return [
        row(
            f"whole space, {len(everything):,} architectures", 1, batch, each, "the speed of one by one",
            single / each, target=2.7, larger_is_better=True, images=batch * len(everything), work=shared,
            bound=unshared.seconds / shared.seconds, memory=peak_memory_mb(where), distinct=len(plans),
            bit_equal=equal, extrapolated_from=part,
        )
    ]  # fmt: skip


def fidelity(where: str) -> Rows:
    """Kendall's tau of one-shot losses in bfloat16 and float32, of a super-net trained for a short while."""
    device.prepare(1, where)
    arrays = data.prepare(
        digits.make(images=3000, test=10, size=16)(None, None),
        size=16, split={"weights": 2000, "guide": 10, "score": 900}, seed=0,
    )  # fmt: skip
    normal = {"mean": torch.from_numpy(arrays["mean"]), "std": torch.from_numpy(arrays["std"])}
    train, score = (
        Images(
            torch.from_numpy(arrays[f"{name}/images"]), torch.from_numpy(arrays[f"{name}/labels"]),
            **normal, classes=10, flip=False, device=where,
        )
        for name in ("weights", "score")
    )  # fmt: skip
    net = build(1, where)
    made = Trainer(
        net, spos.make(Setup(SPACE, 20, 0, 0)), train, None, Train(epochs=20, batch=100, lr=0.1, weight_decay=5e-4), [0]
    )
    for number in range(20 * made.steps):
        made.step(number, lambda name, value: None)
    subject = estimators.Subject(net, score, lambda: train)
    whole, half = (
        estimators.make("oneshot", subject, {"batch": 100, "batches": 9, "precision": p})(sampled(100))["loss"]
        for p in ("fp32", "bf16")
    )
    tau = metrics.kendall_tau(whole, half)
    return [row("rank fidelity of bfloat16", 1, 100, 0.0, "is Kendall's tau to float32", tau, archs=100)]


def together(where: str) -> Rows:
    """Seconds an architecture when 10, 50 or 250 are scored together."""
    device.prepare(1, where)
    batch, net = 64, build(1, where).eval()
    x = torch.randn(batch, 3, 32, 32, device=where)

    def score(count: int) -> None:
        for _ in net.each(x, sorted(sampled(count)), keep=KEEP):
            pass

    with torch.inference_mode():
        each = {n: interleaved({"": lambda _, n=n: score(n)}, 1, where)[""][0] / n for n in (10, 50, 250)}
    name = "{} architectures together"
    return [row(name.format(n), 1, batch, t, "10, each architecture", t / each[10]) for n, t in each.items()]
