"""CLOSENet (Zhou et al., ECCV 2022): blocks of operations that all edges of a cell share, and a gate that picks one.

An edge no longer has weights of its own: what it computes with, the gate learns from the whole architecture. The fewer
blocks are open, the more is shared.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.arch import Arch
from supernet.errors import UserError
from supernet.nets import ops
from supernet.nets.sharing import Sharing, node_shared

EMBEDDED, NODE, HIDDEN, LAYERS, HEAD = 48, 96, 128, 5, (200, 200, 200)  # as released for NAS-Bench-201


class Gate(nn.Module):
    """Which block each edge of an architecture takes its weights from, of those that are open.

    A graph network in which the operation of an edge decides what passes along it (GATES, Ning et al. 2020); the two
    ends of an edge then say its logits. There is no dropout (D35).
    """

    def __init__(self, edges: Sequence[tuple[int, int]], names: Sequence[str], blocks: int):
        super().__init__()
        self.names, self.blocks = tuple(names), blocks
        nodes = 1 + max(target for _, target in edges)
        self.register_buffer("ends", torch.tensor(edges).T, persistent=False)
        self.register_buffer("open", torch.tensor([1]))  # how many blocks are
        self.first = nn.Embedding(2, EMBEDDED)  # of the cell's input and of all other nodes
        self.widen = nn.Linear(EMBEDDED, NODE)
        self.register_buffer("kinds", torch.tensor([0] + [1] * (nodes - 1)), persistent=False)
        self.operations = nn.Embedding(len(names), EMBEDDED)
        sizes = [NODE, *[HIDDEN] * LAYERS]
        self.passes = nn.ModuleList(nn.Linear(EMBEDDED, size) for size in sizes[1:])
        self.sends, self.keeps = (
            nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)) for _ in range(2)
        )
        widths = [2 * HIDDEN, *HEAD]
        hidden = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.head = nn.Sequential(*hidden, nn.Linear(HEAD[-1], blocks))

    def forward(self, arch: Arch) -> Tensor:
        """Logits ``(edges, open blocks)``."""
        with torch.autocast(self.ends.device.type, enabled=False):  # it chooses alike at every precision
            return self._logits(arch)

    def _logits(self, arch: Arch) -> Tensor:
        source, target = self.ends
        operations = self.operations.weight[torch.tensor(arch, device=source.device)]
        live = [[float(self.names[option] != ops.ZERO)] for option in arch]
        live = torch.tensor(live, device=source.device)  # nothing passes along a zero
        x = self.widen(self.first(self.kinds))
        for passes, send, keep in zip(self.passes, self.sends, self.keeps, strict=True):
            messages = live * passes(operations).sigmoid() * send(x)[source]
            x = F.relu(keep(x).index_add(0, target, messages))
        return self.head(torch.cat([x[source], x[target]], 1))[:, : int(self.open)]

    @torch.no_grad()
    def choose(self, arch: Arch) -> list[int]:
        """The block of each edge, without noise (D33)."""
        if int(self.open) == 1:
            return [0] * self.ends.shape[1]
        return self(arch).argmax(1).tolist()


@dataclass(frozen=True)
class Blocks(Sharing):
    """Weights named ``block_option``; see the module. With gates: a gate for each open block."""

    gate: Gate
    learnt: ClassVar[bool] = True

    def at(self, arch: Arch) -> Sharing:
        return node_shared(self.gate.choose(arch))

    def key(self, position: int, option: int, arch: Arch) -> str:
        return self.at(arch).key(position, option, arch)

    def keys(self, position: int, option: int, sizes: Sequence[int]) -> Iterator[str]:
        return (f"{block}_{option}" for block in range(self.gate.blocks))

    def gated(self, position: int, option: int, arch: Arch) -> list[tuple[int, str]]:
        return [(block, f"{block}_{option}") for block in range(int(self.gate.open))]


def blocks(edges: Sequence[tuple[int, int]], names: Sequence[str], count: int) -> Blocks:
    """``count`` blocks of the operations ``names`` for a graph in which all edges have the same shapes.

    Raises ``UserError`` if they are too few to choose from.
    """
    if count < 2:
        raise UserError(f"net.blocks: {count}: sharing global_blocks needs at least 2 to choose from")
    return Blocks(tuple(range(len(edges))), ((),) * len(edges), Gate(edges, names, count))


@torch.no_grad()
def open_next(net: nn.Module, inherit: str) -> None:
    """Open one block more, which takes over the weights of the block before.

    ``inherit``: ``copy`` replaces what the block was initialised with, ``add`` adds to it, as released (D31). In either
    case the block before's row of the gate's last layer is added to the new one's; a copy would tie the two for good.
    ``none``: block and row stay as they were initialised. Rows are written in place, and trained on (D32).
    """
    gate = net.gate
    new, old = int(gate.open), int(gate.open) - 1
    last = gate.head[-1]
    rows = [(value[new], value[old]) for value in (last.weight, last.bias)]
    weights = []
    for cell in (block for block in net.body if hasattr(block, "ops")):
        for name, module in cell.ops.items():
            block, _, option = name.partition("_")
            if int(block) == new:
                before = cell.ops[f"{old}_{option}"].state_dict()
                weights += [(value, before[key]) for key, value in module.state_dict().items()]
    for value, before in weights if inherit == "copy" else ():
        value.copy_(before)
    for value, before in {"copy": rows, "add": rows + weights, "none": []}[inherit]:
        value += before
    gate.open += 1
