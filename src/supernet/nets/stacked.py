"""Several nets of one architecture side by side in one: fewer and larger operations, and no sum between them.

Channels of the copies lie one after another, convolutions have a group a copy, and batch-norm is by channel anyway. So
each copy computes what it computes alone, up to the order of sums. It pays where a net is too narrow to fill the
processor's vectors, or a step too short to hide the cost of starting operations.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Stacked(nn.Module):
    """``nets`` as one: ``(N, copies * 3, H, W) -> (N, classes, copies)``; the nets themselves are left as they are.

    Every parameter and buffer has the copies one after another along its first axis.
    """

    def __init__(self, nets: Sequence[nn.Module]):
        super().__init__()
        self.copies = len(nets)
        self.net = copy.deepcopy(nets[0])
        for name, module in list(self.net.named_modules()):
            if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
                _replace(self.net, name, _joined([net.get_submodule(name) for net in nets]))
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.net(x)
        return logits.view(len(x), self.copies, -1).transpose(1, 2)


class GroupedLinear(nn.Module):
    """One linear layer a copy: ``(N, copies * in) -> (N, copies * out)``."""

    def __init__(self, layers: Sequence[nn.Linear]):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(_cat([getattr(m, n) for m in layers])) for n in ("weight", "bias"))
        self.copies = len(layers)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.view(self.copies, -1, self.weight.shape[1])  # (copies, out, in)
        return torch.einsum("nci,coi->nco", x.view(len(x), self.copies, -1), weight).flatten(1) + self.bias


def _joined(modules: Sequence[nn.Module]) -> nn.Module:
    first, copies = modules[0], len(modules)
    if isinstance(first, nn.Linear):
        return GroupedLinear(modules)
    new = copy.deepcopy(first)
    if isinstance(first, nn.Conv2d):
        new.in_channels, new.out_channels, new.groups = (
            copies * first.in_channels, copies * first.out_channels, copies
        )  # fmt: skip
    else:
        new.num_features = copies * first.num_features
    for name, _ in first.named_parameters():
        setattr(new, name, nn.Parameter(_cat([getattr(m, name) for m in modules])))
    for name, buffer in first.named_buffers():
        setattr(new, name, _cat([getattr(m, name) for m in modules]) if buffer.dim() else buffer.clone())
    return new


def _cat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([t.detach() for t in tensors])


def _replace(net: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(net.get_submodule(parent), leaf, module)
