"""The super-net: one set of weights, the architecture an argument."""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from supernet.arch import Arch
from supernet.errors import UserError
from supernet.nets import expressions
from supernet.nets.expressions import Expression, Values
from supernet.nets.sharing import Sharing, one_shot

Operations = Callable[[int, str], nn.Module | None]  # position, name of an option -> its part that has weights, if any

KEEP = 64  # intermediate tensors that many architectures share, where no gradient is asked for; cannot change a number


class Cell(nn.Module):
    """A searched graph of operations: ``(N, C, H, W) -> (N, C', H', W')``, whose shape the operations decide.

    ``output`` says what to compute (`nets.expressions`); None is the cell that no signal passes, which gives zeros
    (D06). ``known`` holds what was computed before from the same ``x``, and what is computed now is added to it.
    """

    def __init__(self, weights: dict[str, nn.Module]):
        super().__init__()
        self.ops = nn.ModuleDict(weights)

    def forward(
        self,
        x: Tensor,
        output: Expression | None,
        known: Values,
        gates: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        if output is None:
            return torch.zeros_like(x)
        return expressions.evaluate(output, x, self.ops, known, gates, weights)


class SuperNet(nn.Module):
    """Blocks one after another, of which some are cells: copies of one searched graph with weights of their own.

    * ``blocks``: stem first, head last; a fixed module, or for a cell the `Operations` that make its weights. They are
      taken in this order, so that a generator decides in which order weights are drawn.
    * ``edges[i]``: the ``(source, target)`` nodes of choice ``i``; ``options[i]``: its operations' names.
    * ``sharing``: which weights an operation uses (`nets.sharing`).
    * ``parts``: in how many the channels are divided, of which operations see the first alone (PC-DARTS); 1: they see
      all. With more, a node is the weighted sum of its edges.
    * ``arch``: the one architecture of a stand-alone net, which needs no argument then.
    """

    def __init__(
        self,
        blocks: Iterable[nn.Module | Operations],
        *,
        edges: Sequence[tuple[int, int]],
        options: Sequence[Sequence[str]],
        sharing: Sharing,
        parts: int = 1,
        arch: Arch | None = None,
    ):
        super().__init__()
        self.edges, self.options, self.sharing, self.arch = tuple(edges), tuple(map(tuple, options)), sharing, arch
        self.parts, self.gate = parts, getattr(sharing, "gate", None)
        made = [block if isinstance(block, nn.Module) else Cell(self._weights(block)) for block in blocks]
        self.stem, self.body, self.head = made[0], nn.ModuleList(made[1:-1]), made[-1]
        self.plan = self._plan if sharing.learnt else functools.lru_cache(maxsize=2**14)(self._plan)
        self.to(memory_format=torch.channels_last)

    def _weights(self, operations: Operations) -> dict[str, nn.Module]:
        """One module for every name that ``sharing`` gives to an operation with weights."""
        sizes = [len(names) for names in self.options]
        found: dict[str, nn.Module] = {}
        for position, names in enumerate(self.options):
            for option, name in enumerate(names):
                if self.arch is not None and self.arch[position] != option:
                    continue
                for key in self.sharing.keys(position, option, sizes):
                    if key not in found and (module := operations(position, name)) is not None:
                        found[key] = module
        return found

    def forward(
        self, x: Tensor, arch: Arch | None = None, gates: Tensor | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Logits ``(N, classes)`` of images ``x: (N, 3, H, W)``.

        ``arch`` alone: that path. ``arch`` with ``gates: (choices, options)``: its operations scaled by their gates.
        ``gates`` alone: the mixture of all operations. ``weights: (choices,)``: of the edges, where channels are
        divided; without them, the edges of a node are averaged.
        """
        if arch is None and gates is None:
            arch = self.arch
            if arch is None:
                raise TypeError("a super-net needs an architecture or gates")
        chosen = None if arch is None else tuple(arch)
        plan = self.plan(chosen) if gates is None else self.plan(chosen, gated=True)
        return self._after_stem(self.stem(x), plan, {}, gates, weights)

    def each(self, x: Tensor, archs: Iterable[Arch], keep: int | None = None) -> Iterator[Tensor]:
        """Logits ``(N, classes)`` of several architectures on the same images ``x: (N, 3, H, W)``, one after another.

        Equal to one ``forward`` an architecture, bit for bit; stem and what first cells have in common are computed
        once. ``keep`` bounds how many intermediate tensors are held for that, each as large as the stem's output.
        """
        x = self.stem(x)
        known: Values = {} if keep is None else expressions.Recent(keep)
        for arch in archs:
            yield self._after_stem(x, self.plan(tuple(arch)), known)

    def _after_stem(
        self,
        x: Tensor,
        plan: Expression | None,
        known: Values,
        gates: Tensor | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        if self.parts > 1 and weights is None:
            targets = [target for _, target in self.edges]
            weights = torch.tensor([1 / targets.count(target) for target in targets], device=x.device)
        for block in self.body:
            if isinstance(block, Cell):
                x, known = block(x, plan, known, gates, weights), {}
            else:
                x = block(x)
        return self.head(x)

    def _plan(self, arch: Arch | None, gated: bool = False) -> Expression | None:
        """What a cell computes; without ``arch`` all options of all edges, for a sharing that asks for no others.

        Architectures of equal plans are the same function of the shared weights, bit for bit.
        """
        if arch is None and (any(self.sharing.priors) or self.sharing.learnt):
            raise UserError("net.sharing: a mixture of all operations has no architecture to choose weights by")
        chosen = [range(len(names)) for names in self.options] if arch is None else [(option,) for option in arch]
        at = (0,) * len(self.edges) if arch is None else arch
        sharing = self.sharing if gated else self.sharing.at(at)

        def operations(i: int, o: int) -> list[tuple[int, str, str]]:
            named = sharing.gated(i, o, at) if gated else [(o, sharing.key(i, o, at))]
            return [(gate, self.options[i][o], key) for gate, key in named]

        return expressions.graph(
            [
                (source, target, [operation for o in chosen[i] for operation in operations(i, o)])
                for i, (source, target) in enumerate(self.edges)
            ],
            gated,
            self.parts,
        )

    def extract(self, arch: Arch) -> "SuperNet":
        """The stand-alone net of ``arch``: the same function, weights copied, every edge (dead ones too) its own.

        With affine batch-norm its parameters are those the benchmark counts.
        """
        arch = tuple(arch)
        net = copy.copy(self)
        net._modules = {}
        net.stem, net.body, net.head = copy.deepcopy(self.stem), nn.ModuleList(), copy.deepcopy(self.head)
        net.arch, net.sharing, net.gate = arch, one_shot(len(arch)), None
        net.plan = functools.lru_cache(maxsize=4)(net._plan)
        shared = self.sharing.at(arch)
        keys = [(net.sharing.key(i, o, arch), shared.key(i, o, arch)) for i, o in enumerate(arch)]
        for block in self.body:
            if isinstance(block, Cell):  # of all the weights that its operations might use, those of these ones alone
                cell = Cell({own: copy.deepcopy(block.ops[old]) for own, old in keys if old in block.ops})
                cell.training = block.training
                net.body.append(cell)
            else:
                net.body.append(copy.deepcopy(block))
        return net
