"""Zero-shot estimators from one batch's gradients of a net of its own (Abdelfattah et al. 2021; Ning et al. 2021).

Gradients are of the weights of convolutions and linear layers, batch-norm normalising by the batch; weights that no
signal reaches count 0.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from supernet.arch import Arch
from supernet.errors import UserError
from supernet.estimators import Estimate, Subject
from supernet.nets import ops
from supernet.settings import Count


def make(subject: Subject, *, batch: Count = 128, batches: Count = 1) -> Estimate:
    """Means over the first ``batches`` batches of ``batch`` images, not augmented; w weights, g gradients, H Hessian.

    * ``grad_norm``: the sum of the layers' norms of g.
    * ``plain``: the sum of w g. A layer before batch-norm adds 0, since its scale changes nothing.
    * ``snip``: the sum of the absolute values of w g (Lee et al. 2019).
    * ``grasp``: the sum of - w (H g) (Wang et al. 2020). A layer before batch-norm adds its squared norm of g.
    * ``fisher``: the sum over output channels of (a da)^2 / 2, summed over pixels before and averaged over images after
      squaring, times the channel's number of weights, as released (Turner et al. 2020).

    Raises ``UserError`` if there are fewer images.
    """
    images = subject.images
    if (asked := batch * batches) > len(images):
        raise UserError(f"estimators: batch * batches is {asked}, more than the {len(images)} images there are")
    data = [images.plain(np.arange(i * batch, (i + 1) * batch)) for i in range(batches)]

    def estimate(archs: Sequence[Arch]) -> dict[str, np.ndarray]:
        rows = []
        for arch in tqdm(archs, desc="scoring", delay=10, leave=False, mininterval=5):
            alone = subject.net.extract(tuple(arch)).train()
            scores = [scored(alone, x, y) for x, y in data]
            rows.append({name: np.mean([score[name] for score in scores]) for name in scores[0]})
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    return estimate


def scored(net: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """The estimators' values of a stand-alone net on one batch; see `make`."""
    layers = ops.layers(net)
    weights, outputs = [layer.weight for layer in layers], {}

    def keep(layer: nn.Module, args: object, output: Tensor) -> None:
        outputs[layer] = output

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        loss = F.cross_entropy(net(x), y)
    finally:
        for hook in hooks:
            hook.remove()
    used = list(outputs)
    found = torch.autograd.grad(loss, [*weights, *outputs.values()], create_graph=True, allow_unused=True)
    gradients = [torch.zeros_like(w) if g is None else g for w, g in zip(weights, found, strict=False)]
    slopes = zip(used, found[len(weights) :], strict=True)
    product = sum((g * g.detach()).sum() for g in gradients)
    curved = torch.autograd.grad(product, weights, allow_unused=True)
    pairs = list(zip(weights, gradients, strict=True))
    return {
        "grad_norm": sum(g.norm().item() for g in gradients),
        "plain": sum((w * g).sum().item() for w, g in pairs),
        "snip": sum((w * g).abs().sum().item() for w, g in pairs),
        "grasp": -sum((w * h).sum().item() for w, h in zip(weights, curved, strict=True) if h is not None),
        "fisher": sum(_fisher(layer, outputs[layer], slope) for layer, slope in slopes if slope is not None),
    }


def _fisher(layer: nn.Module, output: Tensor, slope: Tensor) -> float:
    per_image = (output * slope).flatten(2).sum(2) if output.dim() > 2 else output * slope
    saliency = 0.5 * per_image.square().mean(0)  # a channel
    return saliency.abs().sum().item() * layer.weight[0].numel()
