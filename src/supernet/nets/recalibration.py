"""Batch-norm statistics of one architecture of a super-net, measured anew (SPOS, Guo et al. 2020, section 3.4)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from supernet.arch import Arch
from supernet.nets.ops import Norm
from supernet.nets.supernet import SuperNet


def recalibrated(net: SuperNet, arch: Arch, batches: Sequence[Tensor]) -> SuperNet:
    """The stand-alone net of ``arch``, in evaluation mode: it normalises by the mean statistics of ``batches``.

    ``batches``: images ``(N, 3, H, W)``, each with the same weight. The super-net itself is left as it is.
    """
    alone = net.extract(arch)
    for norm in (m for m in alone.modules() if isinstance(m, Norm)):
        norm.track_running_stats, norm.momentum = True, None  # None: the plain mean over batches (D27)
        norm.register_buffer("running_mean", torch.zeros(norm.num_features, device=batches[0].device))
        norm.register_buffer("running_var", torch.ones(norm.num_features, device=batches[0].device))
        norm.register_buffer("num_batches_tracked", torch.tensor(0))
    alone.train()
    for x in batches:
        alone(x)
    return alone.eval()
