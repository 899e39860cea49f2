"""SPOS, watched: how much of what a step taught an architecture is lost by the end of the epoch (Ning et al. 2021)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from supernet.arch import Arch
from supernet.device import layout
from supernet.methods import Setup, spos
from supernet.nets.supernet import KEEP
from supernet.step import Method, Step


class Watched(Method):
    """See `make`."""

    def __init__(self, setup: Setup):
        self.plain = spos.make(setup)
        self.x = self.y = torch.empty(0)  # the images that this epoch's accuracies are of
        self.paths: list[Arch] = []  # of the epoch's steps so far
        self.after: list[float] = []  # accuracies just after them

    def own_step(self, net: nn.Module, step: Step) -> None:
        if len(self.after) < len(self.paths):
            self.after += self._accuracies(net, self.paths[-1:])
        if step.epoch == int(step.epoch):
            if self.paths:
                kept = np.array(self._accuracies(net, self.paths)) - np.array(self.after)
                step.note("forgetting_value", float(kept.mean()))
                step.note("forgetting_spread", float(kept.std()))
                step.note("forgotten", float((kept < 0).mean()))
            self.x, self.y = step.guide()
            self.paths, self.after = [], []

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        if len(self.paths) == len(self.after):  # once a step, whatever the slices
            self.paths.append(self.plain.draw(step.rng("paths")))
        yield from self.plain.losses(net, step)

    @torch.no_grad()
    def _accuracies(self, net: nn.Module, paths: list[Arch]) -> list[float]:
        where = next(net.parameters()).device
        x, y = self.x.to(where, memory_format=layout(where)), self.y.to(where)
        net.eval()  # kept statistics, if there are any, stay as they are
        found = [(logits.argmax(1) == y).float().mean().item() for logits in net.each(x, paths, KEEP)]
        net.train()
        return found

    def state(self) -> dict[str, np.ndarray]:
        x = self.x.cpu().numpy()
        return {"x": x, "y": self.y.cpu().numpy(), "paths": np.array(self.paths), "after": np.array(self.after)}

    def restore(self, values: dict[str, np.ndarray]) -> None:
        self.x, self.y = (torch.from_numpy(np.array(values[name])) for name in ("x", "y"))
        self.paths, self.after = [tuple(path) for path in values["paths"].tolist()], values["after"].tolist()


def make(setup: Setup) -> Method:
    """The same training as kind ``spos``, bit for bit, at the price of two more forward passes a step.

    The forgetting value of a step's path: its accuracy at the end of the epoch less that just after the step, on the
    epoch's first guide batch. Below 0 is forgetting. With the next epoch's line of the log come ``forgetting_value``,
    the mean, ``forgetting_spread``, the standard deviation, and ``forgotten``, the part below 0.
    """
    return Watched(setup)
