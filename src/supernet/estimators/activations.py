"""Zero-shot estimators from how a net of its own tells images apart before training (NASWOT, Mellor et al. 2021)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from tqdm import tqdm

from supernet.arch import Arch
from supernet.errors import UserError
from supernet.estimators import Estimate, Subject
from supernet.settings import Count

SMALL = 1e-5  # added to eigenvalues
LOWEST = -1e6  # of a net that tells no images apart
RELUS = (F.relu, torch.relu, torch.relu_)


def make(subject: Subject, *, batch: Count = 128) -> Estimate:
    """On the first ``batch`` images, not augmented, batch-norm normalising by them.

    * ``jacob_cov``: -sum(log(v + k) + 1 / (v + k)), k = 1e-5, over the eigenvalues v of the correlation between images
      of the summed logits' gradients with respect to the image (NASWOT's first version).
    * ``relu_logdet``: the logarithm of the determinant of K, where K_ij counts the ReLU units that agree on whether
      image i and image j switch them on (its second version).
    * ``relus``: the number of ReLUs that are computed.

    Values depend on ``batch``. A net that tells no images apart has -10^6. Raises ``UserError`` if there are fewer
    images.
    """
    if batch > len(subject.images):
        raise UserError(f"estimators: batch is {batch}, more than the {len(subject.images)} images there are")
    x, _ = subject.images.plain(np.arange(batch))

    def estimate(archs: Sequence[Arch]) -> dict[str, np.ndarray]:
        rows = [
            scored(subject.net.extract(tuple(arch)).train(), x)
            for arch in tqdm(archs, desc="scoring", delay=10, leave=False, mininterval=5)
        ]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    return estimate


def scored(net: nn.Module, x: Tensor) -> dict[str, float]:
    """The estimators' values of a stand-alone net; see `make`."""
    x = x.clone().requires_grad_()
    with _Kernel(len(x)) as kernel:
        logits = net(x)
    (jacobian,) = torch.autograd.grad(logits.sum(), x, allow_unused=True, materialize_grads=True)
    sign, logdet = torch.linalg.slogdet(kernel.matrix)
    apart = sign.item() > 0 and torch.isfinite(logdet).item()
    return {
        "jacob_cov": jacob_cov(jacobian.flatten(1).double().cpu().numpy()),
        "relu_logdet": max(logdet.item(), LOWEST) if apart else LOWEST,
        "relus": float(kernel.count),
    }


def jacob_cov(jacobian: np.ndarray) -> float:
    """Of gradients ``(N, D)``, a row an image; see `make`."""
    if (jacobian.std(1) == 0).any():
        return LOWEST
    values = np.linalg.eigvalsh(np.corrcoef(jacobian)).clip(0) + SMALL
    return max(-float((np.log(values) + 1 / values).sum()), LOWEST)


class _Kernel(TorchFunctionMode):
    """Adds up, over all ReLUs computed inside it, how many units agree between two images: ``matrix: (N, N)``.

    A ReLU that the engine computes once for several convolutions counts once for each of them, as in nets that do not.
    """

    def __init__(self, images: int):
        super().__init__()
        self.matrix, self.count = torch.zeros(images, images, dtype=torch.float64), 0
        self.made: dict[int, tuple[Tensor, Tensor]] = {}  # by identity: what a ReLU gave, kept alive, and its matrix
        self.read: set[int] = set()  # by a convolution

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func in RELUS:
            on = (args[0].detach() > 0).flatten(1).float()
            agree = (on @ on.T + (1 - on) @ (1 - on).T).double().cpu()
            self._add(agree)
            found = func(*args, **(kwargs or {}))
            self.made[id(found)] = found, agree
            return found
        if func is F.conv2d and id(args[0]) in self.made:
            if id(args[0]) in self.read:
                self._add(self.made[id(args[0])][1])
            self.read.add(id(args[0]))
        return func(*args, **(kwargs or {}))

    def _add(self, agree: Tensor) -> None:
        self.matrix += agree
        self.count += 1
