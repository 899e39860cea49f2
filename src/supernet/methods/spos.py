"""Single path one-shot (Guo et al. 2020; D30): one path a step or several, uniform over architectures or classes."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet import arch as archs
from supernet.arch import Arch
from supernet.methods import Setup
from supernet.nets import expressions
from supernet.settings import Count
from supernet.step import Method, Step


class SPOS(Method):
    """See `make`."""

    def __init__(self, setup: Setup, classes: str):
        self.choices, self.classes = setup.space.choices, []
        if classes != "none":
            every = archs.enumerate_archs(self.choices)
            self.classes = sorted({setup.space.canonical(arch, classes) for arch in every})

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        loss = F.cross_entropy(net(step.x, self.draw(step.rng("paths"))), step.y)
        step.note("loss", loss)
        yield loss

    def draw(self, rng: np.random.Generator) -> Arch:
        """A path, uniform over the space or over its classes."""
        return self.classes[rng.integers(len(self.classes))] if self.classes else archs.sample(self.choices, rng)


class Several(SPOS):
    """Several paths a step; see `make`."""

    def __init__(self, setup: Setup, classes: str, paths: int):
        super().__init__(setup, classes)
        self.paths = paths

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        rng = step.rng("paths")
        drawn = [self.draw(rng) for _ in range(self.paths)]
        before = {p: p.grad.clone() for p in net.parameters() if p.grad is not None}  # of another slice
        for path in drawn:
            loss = F.cross_entropy(net(step.x, path), step.y)
            step.note("loss", loss / self.paths)  # which are summed up
            yield loss
        plans = [net.plan(path) for path in drawn]
        used = Counter(key for plan in plans for key in expressions.keys(plan))
        through = sum(plan is not None for plan in plans)  # with no signal only what comes after the cells is used
        with torch.no_grad():
            for name, p in net.named_parameters():
                if p.grad is not None:
                    _, searched, rest = name.partition(".ops.")
                    shared = through if name.startswith("stem.") else self.paths
                    count = max(used[rest.partition(".")[0]] if searched else shared, 1)
                    p.grad = (p.grad - before[p]) / count + before[p] if p in before else p.grad / count


def make(setup: Setup, *, paths: Count = 1, classes: Literal["none", "nasbench201", "functional"] = "none") -> Method:
    """Cross-entropy of one uniformly sampled path (Landmark Regularization, eq. 1; D12).

    * ``paths``: so many a step; the gradient of a weight is the mean over those that use it (Ning et al. 2021, MC
      samples). A step costs as much as that many.
    * ``classes``: uniform over classes of isomorphic architectures, by the one that stands for each of them: by the
      benchmark's own reduction of NAS-Bench-201, or by what they compute (Ning et al. 2021, de-isomorphic sampling).
    """
    return SPOS(setup, classes) if paths == 1 else Several(setup, classes, paths)
