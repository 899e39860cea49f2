"""CLOSE (Zhou et al., ECCV 2022): a curriculum on how much is shared, from one block of operations to several."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.arch import Arch
from supernet.methods import Setup, spos
from supernet.nets import closenet
from supernet.settings import Fraction, Positive
from supernet.step import Method, Step


class CLOSE(Method):
    """See `make`."""

    def __init__(self, setup: Setup, opens: list[float], temperature: float, inherit: str):
        self.plain, self.temperature, self.inherit = spos.make(setup), temperature, inherit
        self.opens = [part * setup.epochs for part in opens]

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        if net.gate is None:
            yield from self.plain.losses(net, step)
            return
        due = min(1 + sum(epoch <= step.epoch for epoch in self.opens), net.gate.blocks)
        while int(net.gate.open) < due:
            closenet.open_next(net, self.inherit)
        arch = self.plain.draw(step.rng("paths"))
        gates = self._gates(net, arch, step) if due > 1 else None  # of one block there is none: the gate stays as it is
        loss = F.cross_entropy(net(step.x, arch, gates=gates), step.y)
        step.note("loss", loss)
        step.note("blocks", due)
        yield loss

    def _gates(self, net: nn.Module, arch: Arch, step: Step) -> Tensor:
        """``(edges, open blocks)``: one of each edge is 1, the others 0; their gradients are those of a softmax."""
        logits = net.gate(arch)
        noise = step.rng("gates").gumbel(size=tuple(logits.shape)).astype(np.float32)
        soft = ((logits + torch.from_numpy(noise).to(logits.device)) / self.temperature).softmax(1)
        step.note("gate_spread", logits.detach().std(0).mean())  # over edges; near 0 the gate tells none from another
        step.note("blocks_chosen", len(set(logits.argmax(1).tolist())))  # by the path's edges, as scores are (D33)
        return F.one_hot(soft.argmax(1), soft.shape[1]) - soft.detach() + soft  # forward hard, backward soft


def make(
    setup: Setup,
    *,
    opens: list[Fraction] = (0.2, 0.4, 0.6),
    temperature: Positive = 5.0,
    inherit: Literal["copy", "add", "none"] = "copy",
) -> Method:
    """Uniform paths; on every edge the open blocks, weighed by the gate's straight-through Gumbel-softmax.

    ``opens``: parts of the run after which one block more is opened; one is open from the beginning. ``inherit``: what
    it takes over from the block before (`nets.closenet.open_next`). A step computes all open blocks. Where the net has
    no blocks (``net.sharing: global_blocks``), this is SPOS.
    """
    return CLOSE(setup, opens, temperature, inherit)
