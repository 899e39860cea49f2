"""Soft pruning of the space: paths come from a population that evolves with the super-net (Ning et al. 2021)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet import arch as archs
from supernet.arch import Arch
from supernet.methods import Setup, spos
from supernet.nets.supernet import KEEP
from supernet.settings import Count
from supernet.step import Method, Step


class Evolved(Method):
    """See `make`."""

    def __init__(self, setup: Setup, population: int, tournament: int):
        self.setup, self.size, self.tournament = setup, population, tournament
        self.warm_up = spos.make(setup)
        self.population: list[Arch] = []  # the oldest first
        self.scores: list[float] = []

    def own_step(self, net: nn.Module, step: Step) -> None:
        if step.epoch < self.setup.warmup:
            return
        rng, choices = step.rng("population"), self.setup.space.choices
        if self.population:
            fresh = [archs.mutate(choices, self._winner(rng), rng)]
        else:
            fresh = [archs.sample(choices, rng) for _ in range(self.size)]
        x, y = step.guide()
        net.eval()  # kept statistics, if there are any, stay as they are
        with torch.no_grad():
            scores = [-F.cross_entropy(logits, y).item() for logits in net.each(x, fresh, KEEP)]
        net.train()
        self.population = [*self.population, *fresh][-self.size :]
        self.scores = [*self.scores, *scores][-self.size :]
        step.note("population", float(np.mean(self.scores)))
        step.note("distinct", len(set(self.population)) / len(self.population))

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        if not self.population:
            yield from self.warm_up.losses(net, step)
            return
        loss = F.cross_entropy(net(step.x, self.population[-1]), step.y)
        step.note("loss", loss)
        yield loss

    def _winner(self, rng: np.random.Generator) -> Arch:
        """The best-scored of a few members, drawn uniformly."""
        drawn = rng.choice(len(self.population), size=min(self.tournament, len(self.population)), replace=False)
        return self.population[max(drawn, key=lambda i: self.scores[i])]

    def state(self) -> dict[str, np.ndarray]:
        if not self.population:
            return {}
        return {"population": np.array(self.population), "scores": np.array(self.scores)}

    def restore(self, values: dict[str, np.ndarray]) -> None:
        self.population = [tuple(row) for row in values["population"].tolist()]
        self.scores = values["scores"].tolist()


def make(setup: Setup, *, population: Count = 100, tournament: Count = 10) -> Method:
    """Uniform paths in the warm-up, then the offspring of aging evolution, one a step (D46).

    A mutation of the best of a ``tournament`` in a ``population`` is scored on the step's guide batch (minus its
    cross-entropy), takes the place of the oldest member, and is the step's path; the first population is uniform. An
    old score is that of an older super-net, which aging bounds. Logged: the mean score of the population, and the part
    of it that is ``distinct``.
    """
    return Evolved(setup, population, tournament)
