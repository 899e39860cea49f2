"""Candidate operations and the fixed blocks around the cells (NAS-Bench-201, Dong and Yang 2020).

An operation is ``weighted(prepare(x))``: ``prepare`` has no weights and is computed once for all edges that leave the
same node; ``weighted`` is a module, or nothing.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PREPARE: dict[str, Callable[[Tensor], Tensor]] = {
    "skip_connect": lambda x: x,
    "nor_conv_1x1": F.relu,
    "nor_conv_3x3": F.relu,
    "avg_pool_3x3": lambda x: F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False),
}
KERNEL = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
ZERO = "none"


class Norm(nn.BatchNorm2d):
    """Batch-norm; without ``track`` it uses the batch's own statistics in training and in evaluation alike."""

    def __init__(self, channels: int, affine: bool, track: bool):
        super().__init__(channels, affine=affine, track_running_stats=track)


class ConvNorm(nn.Sequential):
    """Conv-BN without bias; ``(N, C, H, W) -> (N, out, H / stride, W / stride)``."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, *, affine: bool = True, track: bool):
        conv = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=False)
        super().__init__(conv, Norm(out, affine, track))


def weighted(option: str, channels: int, affine: bool, track: bool) -> nn.Module | None:
    """The part of ``option`` that has weights, at ``channels`` channels; None if it has none."""
    if option not in KERNEL:
        return None
    return ConvNorm(channels, channels, KERNEL[option], affine=affine, track=track)


class Reduction(nn.Module):
    """Residual block of stride 2 between stages: ``(N, C, H, W) -> (N, out, H / 2, W / 2)``."""

    def __init__(self, channels: int, out: int, track: bool):
        super().__init__()
        self.a = ConvNorm(channels, out, 3, stride=2, track=track)
        self.b = ConvNorm(out, out, 3, track=track)
        self.shortcut = nn.Conv2d(channels, out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        # In place is safe: batch-norm's backward keeps its input, not the output that relu overwrites.
        return self.b(F.relu(self.a(F.relu(x)), inplace=True)) + self.shortcut(F.avg_pool2d(x, 2))


class Head(nn.Module):
    """BN-ReLU, global average, linear: ``(N, C, H, W) -> (N, classes)``."""

    def __init__(self, channels: int, classes: int, track: bool):
        super().__init__()
        self.norm = Norm(channels, True, track)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(F.relu(self.norm(x), inplace=True).mean((2, 3)))


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A context in which torch's default initialisation draws from ``seed``; the global generator is left untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
