"""Do architectures that share weights pull them the same way? (GM-NAS, Hu et al. 2022; a signal of when to split.)"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from supernet.arch import Arch
from supernet.errors import UserError
from supernet.estimators import Estimate, Subject
from supernet.nets import expressions
from supernet.nets.sharing import conditional
from supernet.seeding import stream
from supernet.settings import Count


def make(subject: Subject, *, batch: Count = 250) -> Estimate:
    """``gradients``: how alike the gradients are of weights that conditional super-network weights would part.

    Of an architecture and one that has another option at a choice which one of its operations reads: the cosine of the
    two gradients of that operation's weights, in all cells, on the first ``batch`` images, not augmented. In [-1, 1];
    operation, choice and option are drawn from those that there are, the same for all super-nets; 1 if there are none.
    Raises ``UserError`` if there are fewer images.
    """
    net, images = subject.net, subject.images
    if batch > len(images):
        raise UserError(f"estimators: batch is {batch}, more than the {len(images)} images there are")
    x, y = images.plain(np.arange(batch))
    arcs = [
        (i, j) for i, (_, node) in enumerate(net.edges) for j, (source, _) in enumerate(net.edges) if node == source
    ]
    priors = conditional(arcs, len(net.edges)).priors

    def gradient(arch: Arch, key: str) -> Tensor:
        """``(parameters,)``: of the loss of ``arch``, with respect to the weights called ``key``."""
        weights = [p for name, p in net.named_parameters() if f".ops.{key}." in name]
        found = torch.autograd.grad(F.cross_entropy(net(x, arch), y), weights)
        return torch.cat([g.flatten() for g in found])

    def agreement(arch: Arch) -> float:
        used = expressions.keys(net.plan(arch))
        pairs = [
            (key, other)
            for position, option in enumerate(arch)
            if (key := net.sharing.key(position, option, arch)) in used
            for prior in priors[position]
            for changed in range(len(net.options[prior]))
            if changed != arch[prior]
            if key in expressions.keys(net.plan(other := (*arch[:prior], changed, *arch[prior + 1 :])))
        ]
        if not pairs:
            return 1.0
        key, other = pairs[stream(0, "agreement", *arch).integers(len(pairs))]
        return float(F.cosine_similarity(gradient(arch, key), gradient(other, key), dim=0))

    def estimate(asked: Sequence[Arch]) -> dict[str, np.ndarray]:
        found = [agreement(tuple(arch)) for arch in tqdm(asked, desc="scoring", delay=10, leave=False, mininterval=5)]
        return {"gradients": np.array(found)}

    return estimate
