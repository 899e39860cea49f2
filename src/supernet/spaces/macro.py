"""NAS-Bench-Macro (Su et al., CVPR 2021): a chain of eight layers with three blocks each, 3^8 = 6,561 nets."""

import re
from typing import TYPE_CHECKING

from supernet import arch as archs
from supernet.arch import Arch, Choice
from supernet.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from supernet.nets.supernet import Operations, SuperNet

OPTIONS = ("identity", "mb3_k3", "mb6_k5")  # MobileNet-V2 blocks: times 3 and kernel 3, times 6 and kernel 5
KERNEL_EXPAND = {"mb3_k3": (3, 3), "mb6_k5": (5, 6)}
STAGES = (2, 3, 3)  # layers; the first of a stage halves the image and doubles the channels
STRIDES = tuple(2 if i == 0 else 1 for layers in STAGES for i in range(layers))
HEAD = 40  # times the width: channels of the head; 1,280 in the benchmark, whose width is 32


class Macro:
    """The search space; see `supernet.spaces.SearchSpace` for what its members promise."""

    name = "macro"
    choices = tuple(Choice(f"layer {i}", OPTIONS) for i in range(len(STRIDES)))
    arcs = tuple((i - 1, i) for i in range(len(STRIDES) + 1))

    def is_valid(self, arch: Arch) -> bool:
        return len(arch) == len(STRIDES) and all(0 <= option < len(OPTIONS) for option in arch)

    def format(self, arch: Arch) -> str:
        return "".join(map(str, archs.check(self.choices, arch)))

    def parse(self, text: str) -> Arch:
        if not re.fullmatch(f"[0-2]{{{len(STRIDES)}}}", text):
            raise UserError(f"architecture {text!r}: expected {len(STRIDES)} digits 0 to 2, a layer each")
        return tuple(map(int, text))

    def canonical(self, arch: Arch, reduction: str = "functional") -> Arch:
        """``arch`` itself: no two of them are the same function for all weights."""
        return archs.check(self.choices, arch)

    def parameters(self, arch: Arch, *, width: int, cells: int, classes: int) -> int:
        total = 27 * width + 2 * width
        for option, (channels, out) in zip(arch, _widths(width), strict=True):
            if OPTIONS[option] in KERNEL_EXPAND:
                kernel, expand = KERNEL_EXPAND[OPTIONS[option]]
                inner = channels * expand
                total += (channels + out + kernel**2 + 4) * inner + 2 * out
            elif channels != out:
                total += channels * out + 2 * out
        last = 8 * width
        return total + (last + 2 + classes) * HEAD * width + classes

    def build(
        self,
        *,
        width: int,
        cells: int,
        classes: int,
        sharing: str = "one_shot",
        edge: int | None = None,
        affine: bool = True,
        parts: int = 1,
        track: bool = False,
        extra_1x1: str = "none",
        blocks: int = 1,
        seed: int = 0,
    ) -> "SuperNet":
        """The batch-norm of all blocks has an affine part, whatever ``affine`` says, as the benchmark's has."""
        from supernet.nets import mobile, ops
        from supernet.nets import sharing as sharings
        from supernet.nets.supernet import SuperNet

        if (cells, parts, extra_1x1, blocks) != (1, 1, "none", 1):
            raise UserError("space macro: expected cells: 1, net.parts: 1, no net.extra_1x1, no net.blocks")
        widths = _widths(width)

        def operation(position: int, name: str) -> "nn.Module | None":
            channels, out = widths[position]
            if name == "downsample":
                return ops.ConvNorm(channels, out, 1, 2, track=track)
            if name not in KERNEL_EXPAND:
                return None
            return mobile.InvertedResidual(channels, out, *KERNEL_EXPAND[name], STRIDES[position], track=track)

        def layers() -> "Iterator[nn.Module | Operations]":
            yield mobile.Stem(width, track)
            yield operation
            yield mobile.Head(8 * width, HEAD * width, classes, track)

        identity = ("skip_connect", "downsample")
        with ops.seeded(seed):
            return SuperNet(
                layers(),
                edges=[(i, i + 1) for i in range(len(STRIDES))],
                options=[(identity[stride - 1], *OPTIONS[1:]) for stride in STRIDES],
                sharing=sharings.make(sharing, self.arcs, range(len(STRIDES)), edge),
            )


def _widths(width: int) -> list[tuple[int, int]]:
    """Channels before and after each layer."""
    found, channels = [], width
    for stride in STRIDES:
        found.append((channels, channels * stride))
        channels *= stride
    return found


SPACE = Macro()
