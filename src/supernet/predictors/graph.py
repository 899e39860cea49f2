"""A graph network: operations are nodes, and messages run along the arcs between them, both ways.

After Chen et al. 2020, "Fitting the Search Space of Weight-sharing NAS with Graph Convolutional Networks", who fit one
to the scores of a super-net by squared error and search on it. Ours is smaller, for a hundred points and one thread.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.arch import Arch
from supernet.nets import ops
from supernet.predictors import Predict
from supernet.spaces import SearchSpace

HIDDEN, LAYERS = 48, 3
STEPS, BATCH = 400, 100
LR, WEIGHT_DECAY = 5e-3, 1e-3  # of Adam; the learning rate falls to 0 over the steps


def fit(space: SearchSpace, archs: Sequence[Arch], truth: ArrayLike, rng: np.random.Generator) -> Predict:
    """Fit ``truth: (n,)``, standardised, by mean squared error; see `supernet.predictors`.

    ``STEPS`` batches of Adam, however many points there are.
    """
    truth = np.asarray(truth, dtype=np.float64)
    mean, deviation = truth.mean(), truth.std() or 1.0
    targets = torch.tensor((truth - mean) / deviation, dtype=torch.float32)
    with ops.seeded(int(rng.integers(2**63))):
        net = GraphNet(space)
    nodes = net.nodes(archs)
    optimiser = torch.optim.Adam(net.parameters(), LR, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, STEPS)
    for _ in range(STEPS):
        batch = torch.from_numpy(rng.permutation(len(targets))[:BATCH])
        optimiser.zero_grad()
        F.mse_loss(net(nodes[batch]), targets[batch]).backward()
        optimiser.step()
        schedule.step()

    @torch.no_grad()
    def predict(others: Sequence[Arch]) -> np.ndarray:
        return mean + deviation * net(net.nodes(others)).double().numpy()

    return predict


class GraphNet(nn.Module):
    """``LAYERS`` rounds of messages from what a node reads and from what reads it, then the mean over all nodes."""

    def __init__(self, space: SearchSpace):
        super().__init__()
        names = dict.fromkeys(name for choice in space.choices for name in choice.options)
        kinds = {name: 2 + i for i, name in enumerate(names)}  # 0 is the cell's input, 1 its output
        self.kinds = [[kinds[name] for name in choice.options] for choice in space.choices]
        reads = torch.zeros(len(space.choices) + 2, len(space.choices) + 2)
        for source, reader in space.arcs:
            reads[reader + 1, source + 1] = 1.0  # node 0 is position -1
        self.reads, self.read_by = (a / a.sum(1, keepdim=True).clamp(min=1) for a in (reads, reads.T))
        self.embed = nn.Embedding(2 + len(kinds), HIDDEN)  # of the one-hot feature of a node
        self.layers = nn.ModuleList(nn.Linear(3 * HIDDEN, HIDDEN) for _ in range(LAYERS))
        self.head = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))

    def nodes(self, archs: Sequence[Arch]) -> Tensor:
        """What stands at every node: ``(len(archs), choices + 2)``, int64."""
        rows = [[0, *(kinds[o] for kinds, o in zip(self.kinds, arch, strict=True)), 1] for arch in archs]
        return torch.tensor(rows, dtype=torch.int64).reshape(len(rows), len(self.kinds) + 2)

    def forward(self, nodes: Tensor) -> Tensor:
        x = self.embed(nodes)
        for layer in self.layers:
            x = F.relu(layer(torch.cat([x, self.reads @ x, self.read_by @ x], -1)))
        return self.head(x.mean(1)).squeeze(-1)
