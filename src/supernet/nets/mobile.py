"""Blocks of MobileNet-V2-like nets (NAS-Bench-Macro, Su et al. 2021; its ``train/model.py`` decides the details)."""

from torch import Tensor, nn
from torch.nn import functional as F

from supernet.nets.ops import ConvNorm, Norm


class InvertedResidual(nn.Sequential):
    """1x1 to ``expand`` times the channels, depthwise ``kernel`` with the stride, 1x1 to ``out``; each with batch-norm,
    the first two with ReLU. ``(N, C, H, W) -> (N, out, H / stride, W / stride)``, plus its input where shapes agree."""

    def __init__(self, channels: int, out: int, kernel: int, expand: int, stride: int, *, track: bool):
        inner = channels * expand
        depthwise = nn.Conv2d(inner, inner, kernel, stride, padding=kernel // 2, groups=inner, bias=False)
        super().__init__(
            ConvNorm(channels, inner, 1, track=track),
            nn.ReLU(inplace=True),
            nn.Sequential(depthwise, Norm(inner, True, track)),
            nn.ReLU(inplace=True),
            ConvNorm(inner, out, 1, track=track),
        )
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        value = super().forward(x)
        return value + x if self.residual else value


class Stem(ConvNorm):
    """3x3 convolution, batch-norm, ReLU: ``(N, 3, H, W) -> (N, out, H, W)``."""

    def __init__(self, out: int, track: bool):
        super().__init__(3, out, 3, track=track)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(super().forward(x), inplace=True)


class Head(nn.Module):
    """1x1 convolution, batch-norm, ReLU, global average, linear: ``(N, C, H, W) -> (N, classes)``."""

    def __init__(self, channels: int, inner: int, classes: int, track: bool):
        super().__init__()
        self.features = ConvNorm(channels, inner, 1, track=track)
        self.linear = nn.Linear(inner, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(F.relu(self.features(x), inplace=True).mean((2, 3)))
