"""Learnt logits over the options of every choice, for the methods that search by gradient (DARTS, GDAS)."""

import numpy as np
import torch
from torch import Tensor

from supernet.methods import Setup
from supernet.nets.gates import allowed
from supernet.seeding import stream
from supernet.step import Method

BETAS = (0.5, 0.999)  # DARTS
SPREAD = 1e-3  # standard deviation of the first logits
MOMENTS = ("exp_avg", "exp_avg_sq")


class Gates:
    """Logits and their own Adam; they live on the host, they are small.

    ``logits: (choices, options)``; ``edges: (choices,)`` are those of the edges' weights, for the methods that learn
    them too.
    """

    def __init__(self, setup: Setup, lr: float, weight_decay: float):
        self.allowed = allowed([len(choice.options) for choice in setup.space.choices])
        rng = stream(setup.seed, "gates")
        self.logits, self.edges = (
            torch.tensor(SPREAD * rng.standard_normal(size), dtype=torch.float32, requires_grad=True)
            for size in (tuple(self.allowed.shape), len(self.allowed))
        )
        self.adam = torch.optim.Adam([self.logits, self.edges], lr=lr, betas=BETAS, weight_decay=weight_decay)
        self._named = {"gates": self.logits, "edges": self.edges}

    def log_probabilities(self) -> Tensor:
        """Logarithms of the probabilities of the options, with a gradient; minus infinity where there is no option."""
        return self.logits.masked_fill(~self.allowed, -torch.inf).log_softmax(1)

    def entropy(self) -> float:
        """Mean over the choices, in nats."""
        p = self.log_probabilities().detach().exp()
        return float(-torch.xlogy(p, p).sum(1).mean())

    def descend(self, loss: Tensor) -> None:
        """One step of Adam; the weights get no gradient. What ``loss`` does not depend on is left as it is."""
        gradients = torch.autograd.grad(loss, list(self._named.values()), allow_unused=True)
        for parameter, gradient in zip(self._named.values(), gradients, strict=True):
            parameter.grad = gradient
        self.adam.step()

    def state(self) -> dict[str, np.ndarray]:
        """The logits, and what Adam remembers of them."""
        values: dict[str, Tensor] = {}
        for name, parameter in self._named.items():
            memory = self.adam.state[parameter]
            values[name] = parameter.detach()
            values |= {f"{name}/{moment}": memory[moment] for moment in MOMENTS if memory}
            values |= {f"{name}/step": memory["step"].reshape(1)} if memory else {}
        return {name: value.numpy().copy() for name, value in values.items()}

    def restore(self, values: dict[str, np.ndarray]) -> None:
        """The inverse of `state`."""
        for name, parameter in self._named.items():
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(np.array(values[name])))
            if f"{name}/step" in values:
                moments = {moment: torch.from_numpy(np.array(values[f"{name}/{moment}"])) for moment in MOMENTS}
                self.adam.state[parameter] = {**moments, "step": torch.tensor(float(values[f"{name}/step"][0]))}


class Gated(Method):
    """A method whose state is its `Gates`."""

    def __init__(self, setup: Setup, lr: float, weight_decay: float):
        self.setup, self.gates = setup, Gates(setup, lr, weight_decay)

    def state(self) -> dict[str, np.ndarray]:
        return self.gates.state()

    def restore(self, values: dict[str, np.ndarray]) -> None:
        self.gates.restore(values)
