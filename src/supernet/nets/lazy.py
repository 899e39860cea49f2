"""Conditional weights as their released code makes them (D26): one parameter an operation, whose value is exchanged.

A combination of preceding choices that was not met before takes over whatever value the operation has at that moment,
not the one at the split; and all combinations share one momentum, which is the parameter's own.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from supernet import checkpoints
from supernet.arch import Arch
from supernet.nets.supernet import SuperNet

NAME = "copies"  # of the module that a net gets


class Copies(nn.Module):
    """The values that the operations of a net have for combinations of preceding choices.

    * ``split``: a net of the same space whose sharing has those combinations; its weights become buffers here.
    * ``loaded``: ``(sets,)``, whether an operation's parameter holds that set at the moment; ``seen``: whether it was
      ever met. Sets are in the order of ``names``.
    """

    def __init__(self, split: SuperNet, parents: Mapping[str, str]):
        super().__init__()
        self.sharing, self.parents, self.names = split.sharing, dict(parents), list(parents)
        for module in split.modules():
            for name, p in list(module.named_parameters(recurse=False)):
                del module._parameters[name]
                module.register_buffer(name, p.detach())
        self.sets = split
        for flags in ("loaded", "seen"):
            self.register_buffer(flags, torch.zeros(len(self.names), dtype=torch.bool))

    @torch.no_grad()
    def exchange(self, net: SuperNet, arch: Arch) -> None:
        """Give the operations of ``arch`` the values that they have behind their preceding choices."""
        for position, option in enumerate(arch):
            name = self.sharing.key(position, option, arch)
            wanted = self.names.index(name)
            if self.loaded[wanted]:
                continue
            current = self.parents[name]
            before = next((i for i in self._siblings(current) if self.loaded[i]), None)
            if before is not None:
                _copy(self._values(net, current), self._values(self.sets, self.names[before]))
                self.loaded[before] = False
            if self.seen[wanted]:
                _copy(self._values(self.sets, name), self._values(net, current))
            self.loaded[wanted] = self.seen[wanted] = True

    def _siblings(self, parent: str) -> list[int]:
        return [i for i, name in enumerate(self.names) if self.parents[name] == parent]

    @staticmethod
    def _values(net: SuperNet, name: str) -> list[Tensor]:
        cells = (block.ops[name] for block in net.body if hasattr(block, "ops") and name in block.ops)
        return [value for cell in cells for _, value in sorted(cell.state_dict().items())]


def attach(net: SuperNet, split: SuperNet) -> Copies:
    """Let every forward pass of ``net`` exchange values first. No other pass may come before its backward."""
    copies = Copies(split, split.sharing.parents(net.sharing, [len(options) for options in net.options]))
    net.add_module(NAME, copies)
    net.register_forward_pre_hook(lambda net, args: copies.exchange(net, tuple(args[1])))
    return copies


def begun(values: Mapping[str, np.ndarray], copies: Copies, epoch: int) -> dict[str, np.ndarray]:
    """``values`` of a weights file, with what ``copies`` begins with."""
    return {**values, **{f"{epoch}/{NAME}.{k}": v for k, v in checkpoints.arrays(copies).items()}}


def exported(values: Mapping[str, np.ndarray], copies: Copies) -> dict[str, np.ndarray]:
    """What training made of `begun`, as a file of the split net: sets that were never met have their operation's value,
    and every set has its operation's momentum."""
    split = checkpoints.split({k: v for k, v in values.items() if f"/{NAME}." not in k}, copies.parents)
    for epoch in checkpoints.epochs(values):
        own = checkpoints.under(values, f"{epoch}/{NAME}.")
        kept = own["seen"] & ~own["loaded"]
        for name, value in checkpoints.under(own, "sets.").items():
            if ".ops." in name and kept[copies.names.index(name.partition(".ops.")[2].partition(".")[0])]:
                split[f"{epoch}/{name}"] = value
    return split


def _copy(values: list[Tensor], to: list[Tensor]) -> None:
    for value, target in zip(values, to, strict=True):
        target.copy_(value)
