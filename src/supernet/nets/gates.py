"""Gates of mixtures: arrays ``(choices, options)`` by which a super-net scales its operations."""

from collections.abc import Sequence

import torch
from torch import Tensor

from supernet.arch import Arch


def allowed(sizes: Sequence[int]) -> Tensor:
    """Which entries are options, where choice i has ``sizes[i]``: ``(choices, most options)`` booleans."""
    sizes = torch.tensor(sizes)
    return torch.arange(int(sizes.max())) < sizes[:, None]


def soft_path(arch: Arch, sizes: Sequence[int], softness: float) -> Tensor:
    """A soft one-shot path: uniform gates, moved towards ``arch`` (Landmark Regularization, released code).

    With n options the chosen one has ``1/n + softness``, each other one ``1/n - softness / (n - 1)``: a row sums to 1.
    """
    options = allowed(sizes)
    n = options.sum(1, keepdim=True)
    gates = torch.where(options, 1 / n - softness / (n - 1).clamp(min=1), 0.0)
    gates[torch.arange(len(arch)), torch.tensor(arch)] = (1 / n[:, 0] + softness).float()
    return gates
