"""Zero-shot estimator without data: the flow of synapses through a net of its own (Tanaka et al. 2020)."""

import copy
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import nn

from supernet.arch import Arch
from supernet.estimators import Estimate, Subject
from supernet.nets import ops

NOTHING = 1e-300  # a flow of 0, whose logarithm would be infinite


def make(subject: Subject, *, norm: Literal["identity", "kept"] = "identity") -> Estimate:
    """``synflow``: the logarithm of the sum of the absolute values of w dR/dw over convolutions and linear layers.

    R is the sum of the logits for an image of ones, with the absolute values of all parameters, in float64. ``norm``:
    whether batch-norm is left out, as in the paper, or ``kept`` (``synflow_bn`` of some evaluations).
    """
    images = subject.images

    def estimate(archs: Sequence[Arch]) -> dict[str, np.ndarray]:
        return {"synflow": np.array([flow(subject.net.extract(tuple(arch)), images.size, norm) for arch in archs])}

    return estimate


def flow(net: nn.Module, size: int, norm: str) -> float:
    """Of a stand-alone net for images of ``size`` pixels a side; see `make`."""
    net = copy.deepcopy(net).double().train()
    with torch.no_grad():
        for p in net.parameters():
            p.abs_()
    if norm == "identity":
        for name, module in list(net.named_modules()):
            if isinstance(module, ops.Norm):
                parent, _, child = name.rpartition(".")
                setattr(net.get_submodule(parent), child, nn.Identity())
    where = next(net.parameters()).device
    weights = [layer.weight for layer in ops.layers(net)]
    total = net(torch.ones(2, 3, size, size, dtype=torch.float64, device=where))[0].sum()  # batch-norm needs two
    found = torch.autograd.grad(total, weights, allow_unused=True)
    value = sum((w * g).detach().abs().sum().item() for w, g in zip(weights, found, strict=True) if g is not None)
    return math.log(max(value, NOTHING))
