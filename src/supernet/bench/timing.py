"""Clocks, medians of interleaved rounds, and the time of single convolutions."""

import functools
import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.device import layout

ROUNDS = 15  # of a convolution's time


class Conv(NamedTuple):
    """One convolution's shape: channels in and out, side of the input, kernel, stride, groups."""

    channels: int
    out: int
    side: int
    kernel: int
    stride: int
    groups: int

    def flops(self, batch: int) -> int:
        """Two per multiply-add, of the forward pass."""
        pixels = (self.side // self.stride) ** 2
        return 2 * batch * pixels * self.channels // self.groups * self.out * self.kernel**2


def clock(device: str) -> float:
    """Seconds of this process's processor time; of the wall, after all queued work, on an accelerator."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def interleaved(cases: Mapping[str, Callable[[int], object]], rounds: int, device: str) -> dict[str, list[float]]:
    """Seconds of every case in every round; the cases take turns. Each is called with the round's number."""
    for case in cases.values():
        case(0)  # warms caches up
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds):
        for name, case in cases.items():
            started = clock(device)
            case(number)
            seconds[name].append(clock(device) - started)
    return seconds


def ratio(these: list[float], those: list[float]) -> float:
    """Median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(these, those, strict=True))


@dataclass(frozen=True)
class Work:
    """Convolutions: the seconds that they take one by one, which is the floor, and their floating-point operations."""

    seconds: float = 0.0
    flops: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.seconds + other.seconds, self.flops + other.flops)

    def __mul__(self, times: float) -> "Work":
        return Work(self.seconds * times, self.flops * times)


def work(net: nn.Module, run: Callable[[], object], batch: int, training: bool, device: str) -> Work:
    """What ``run`` makes the convolutions of ``net`` do, had it ``batch`` images; with backward if ``training``."""
    found: Counter[Conv] = Counter()

    def note(module: nn.Conv2d, inputs: tuple[Tensor], _: Tensor) -> None:
        side, kernel, stride = inputs[0].shape[-1], module.kernel_size[0], module.stride[0]
        found[Conv(module.in_channels, module.out_channels, side, kernel, stride, module.groups)] += 1

    hooks = [m.register_forward_hook(note) for m in net.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    total = Work()
    for conv, count in found.items():
        # A backward pass is twice the forward, but once where the input, an image, needs no gradient.
        passes = 1 + training * (1 if conv.channels // conv.groups == 3 else 2)
        one = Work(convolution_seconds(conv, batch, training, device), passes * conv.flops(batch))
        total += one * count
    return total


@functools.cache
def convolution_seconds(conv: Conv, batch: int, training: bool, device: str) -> float:
    """Median time of one convolution alone, with its backward pass if ``training``; images need no gradient."""
    size = (batch, conv.channels, conv.side, conv.side)
    x = torch.randn(size, device=device).to(memory_format=layout(device))
    x.requires_grad_(training and conv.channels // conv.groups != 3)
    kernel = torch.randn(conv.out, conv.channels // conv.groups, conv.kernel, conv.kernel, device=device)
    weight = kernel.to(memory_format=layout(device)).requires_grad_(training)
    gradient: list[Tensor] = []

    def run(_: int) -> None:
        x.grad = weight.grad = None
        y = F.conv2d(x, weight, stride=conv.stride, padding=conv.kernel // 2, groups=conv.groups)
        if training:
            if not gradient:
                gradient.append(torch.randn_like(y))
            y.backward(gradient[0])

    return statistics.median(interleaved({"": run}, ROUNDS, device)[""])


def peak_memory_mb(device: str) -> int:
    """Largest memory of this process so far; of the accelerator, where there is one."""
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return torch.cuda.max_memory_allocated() // 2**20


def memory_mb() -> float:
    """Resident memory of this process now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
