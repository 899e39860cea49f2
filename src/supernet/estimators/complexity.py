"""What counting says: parameters and multiply-accumulates of a net, with and without what no signal passes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from supernet.arch import Arch
from supernet.estimators import Estimate, Subject
from supernet.nets import ops
from supernet.nets.supernet import Cell


def make(subject: Subject) -> Estimate:
    """Counts of the weights of convolutions and linear layers, and of their products for one image.

    ``parameters``, ``flops``: of all operations of the architecture; ``live_parameters``, ``live_flops``: of those
    alone that a signal passes from input to output.
    """
    size = subject.images.size

    def estimate(archs: Sequence[Arch]) -> dict[str, np.ndarray]:
        rows = [counted(subject.net.extract(tuple(arch)).eval(), size) for arch in archs]
        return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}

    return estimate


@torch.inference_mode()
def counted(net: nn.Module, size: int) -> dict[str, int]:
    """The counts of a stand-alone net for images of ``size`` pixels a side; see `make`."""
    pixels: dict[nn.Module, int] = {}  # of every layer's output
    live: set[nn.Module] = set()

    def entered(cell: nn.Module, args: tuple) -> None:
        pixels.update((layer, args[0][0, 0].numel()) for layer in ops.layers(cell))  # dead operations keep the shape

    def met(layer: nn.Module, args: tuple, output: Tensor) -> None:
        pixels[layer] = output[0, 0].numel() if output.dim() > 2 else 1
        live.add(layer)

    hooks = [module.register_forward_pre_hook(entered) for module in net.modules() if isinstance(module, Cell)]
    hooks += [layer.register_forward_hook(met) for layer in ops.layers(net)]
    net(torch.zeros(1, 3, size, size, device=next(net.parameters()).device))
    for hook in hooks:
        hook.remove()
    weights = {layer: layer.weight.numel() for layer in ops.layers(net)}
    return {
        "parameters": sum(weights.values()),
        "flops": sum(weights[layer] * pixels[layer] for layer in weights),
        "live_parameters": sum(weights[layer] for layer in live),
        "live_flops": sum(weights[layer] * pixels[layer] for layer in live),
    }
