"""Candidate operations and the fixed blocks around the cells (NAS-Bench-201, Dong and Yang 2020)."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ZERO = "none"
WEIGHTS = "weights"  # the step of an operation that is a module of its own
STEPS: dict[str, tuple[str, ...]] = {  # what an operation does, in order; a step without weights is one of `PLAIN`
    "skip_connect": (),
    "nor_conv_1x1": ("relu", WEIGHTS),
    "nor_conv_3x3": ("relu", WEIGHTS),
    "avg_pool_3x3": ("avg_pool_3x3",),
    "linear_skip": (WEIGHTS,),
    "linear_pool": ("avg_pool_3x3", WEIGHTS),
    "downsample": (WEIGHTS,),
    "mb3_k3": (WEIGHTS,),
    "mb6_k5": (WEIGHTS,),
}
KERNEL = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


def avg_pool_3x3(x: Tensor) -> Tensor:
    """3x3 mean of stride 1 over the pixels inside the image; ``(N, C, H, W) -> (N, C, H, W)``, in float32 or float64.

    On a CPU a depthwise convolution with ones takes half the time of torch's pooling, whose gradients on a GPU are
    wrong in channels-last memory with padding (pytorch/pytorch#188344).
    """
    with torch.autocast(x.device.type, enabled=False):
        x = x if x.dtype == torch.float64 else x.float()
        if x.device.type != "cpu":
            return F.avg_pool2d(x.contiguous(), 3, stride=1, padding=1, count_include_pad=False)
        ones, share = _pool_constants(*x.shape[1:], x.dtype)
        return F.conv2d(x, ones, padding=1, groups=x.shape[1]) * share


@functools.lru_cache(maxsize=64)
def _pool_constants(channels: int, height: int, width: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Ones ``(C, 1, 3, 3)``, and one over the number of pixels that each output sees ``(1, 1, H, W)``."""
    with torch.inference_mode(False):
        ones = torch.ones(channels, 1, 3, 3, dtype=dtype)
        seen = F.conv2d(torch.ones(1, 1, height, width, dtype=dtype), ones[:1], padding=1)
        return ones.to(memory_format=torch.channels_last), 1 / seen


PLAIN: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "avg_pool_3x3": avg_pool_3x3}


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
    if option.startswith("linear"):
        return nn.Conv2d(channels, channels, 1, bias=False)
    if option not in KERNEL:
        return None
    return ConvNorm(channels, channels, KERNEL[option], affine=affine, track=track)


def layers(net: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """The layers that multiply by weights; batch-norm and its parameters are none of them."""
    return [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


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
