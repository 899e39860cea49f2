"""What a cell computes, as an expression of its input; equal expressions are equal values, bit for bit.

An expression is ``INPUT``, or a tuple of its kind and what that needs, the operands last:

* ``(step, e)`` for a step without weights of `ops.PLAIN`, ``("weights", key, e)`` for the module ``key``;
* ``("gate", position, option, e)``: times that entry of the gates; ``("edge", position, e)``: times that edge's weight;
* ``("first", k, e)``: the first of k parts of the channels; ``("join", k, e, f)``: e instead of that part of f, and the
  parts shuffled; ``("join", k, f)``: the same with zeros in its place;
* ``("+", e, f, ...)``: the sum, from left to right.

Only what the output needs is in its expression, and nothing without a signal (D06): dead edges are never run. What two
edges or two architectures have in common is one sub-expression, hence computed once.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.device import layout
from supernet.nets import ops

Expression = tuple[Any, ...]
Values = MutableMapping[Expression, Tensor]
INPUT: Expression = ("input",)


def graph(
    edges: Sequence[tuple[int, int, Sequence[tuple[int, str, str]]]], gated: bool, parts: int = 1
) -> Expression | None:
    """The last node of a graph in which a node is the sum of its incoming edges; None if no signal reaches it.

    ``edges[position]``: source node (0 is the input), target node, and the operations on it as ``(option, name, key of
    its weights)``. ``gated``: operations are multiplied by their gates. ``parts`` > 1: operations see the first part of
    the channels alone, the others go past them, and a node is the *weighted* sum of its edges (PC-DARTS).
    """
    last = max(target for _, target, _ in edges)
    nodes: list[Expression | None] = [INPUT, *[None] * last]
    for node in range(1, last + 1):
        terms: list[Expression] = []
        for position, (source, target, operations) in enumerate(edges):
            if target != node or (x := nodes[source]) is None:
                continue
            seen = x if parts == 1 else ("first", parts, x)
            values = [(o, _operation(name, key, seen)) for o, name, key in operations if name != ops.ZERO]
            values = [("gate", position, o, value) if gated else value for o, value in values]
            if parts == 1:
                terms += values
            else:
                mixed = [("+", *values)] if len(values) > 1 else values
                terms.append(("edge", position, ("join", parts, *mixed, x)))
        terms[:2] = sorted(terms[:2], key=repr)  # a + b is b + a to the bit, so that both are one expression
        nodes[node] = ("+", *terms) if len(terms) > 1 else next(iter(terms), None)
    return nodes[last]


def _operation(name: str, key: str, x: Expression) -> Expression:
    for step in ops.STEPS[name]:
        x = (step, key, x) if step == ops.WEIGHTS else (step, x)
    return x


def evaluate(
    wanted: Expression,
    x: Tensor,
    modules: Mapping[str, nn.Module],
    known: Values,
    gates: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The value of ``wanted`` for the input ``x``; ``known`` values of the same input are used, new ones added.

    ``gates: (positions, options)``, ``weights: (positions,)`` of the edges: see `graph`.
    """
    if wanted == INPUT:
        return x
    if (value := known.get(wanted)) is not None:
        return value
    operands = [evaluate(e, x, modules, known, gates, weights) for e in wanted[1:] if isinstance(e, tuple)]
    match wanted:
        case ("+", *_):
            value = operands[0] + operands[1]
            for operand in operands[2:]:
                value += operand  # in place: nobody else has seen it
        case ("gate", position, option, _):
            value = operands[0] * gates[position, option]
        case ("edge", position, _):
            value = operands[0] * weights[position]
        case ("first", count, _):
            value = operands[0][:, : operands[0].shape[1] // count]
            value = value.contiguous(memory_format=layout(value.device))
        case ("join", count, *_):
            past = operands[-1]
            first = operands[0] if len(operands) > 1 else torch.zeros_like(past[:, : past.shape[1] // count])
            value = F.channel_shuffle(torch.cat([first, past[:, first.shape[1] :]], 1), count)
        case (ops.WEIGHTS, key, _):
            value = modules[key](operands[0])
        case (step, _):
            value = ops.PLAIN[step](operands[0])
    known[wanted] = value
    return value


def parts(wanted: Expression | None) -> Iterator[Expression]:
    """``wanted`` and all expressions inside it, with repetitions."""
    if wanted is not None:
        yield wanted
        for operand in wanted:
            if isinstance(operand, tuple):
                yield from parts(operand)


def keys(wanted: Expression | None) -> set[str]:
    """The names of the weights that reach ``wanted``."""
    return {part[1] for part in parts(wanted) if part[0] == ops.WEIGHTS}


class Recent(dict[Expression, Tensor]):
    """The ``size`` values used last."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def get(self, key: Expression, default: Tensor | None = None) -> Tensor | None:
        """The value, which is now the one used last."""
        if key not in self:
            return default
        self[key] = value = self.pop(key)
        return value

    def __setitem__(self, key: Expression, value: Tensor) -> None:
        super().__setitem__(key, value)
        if len(self) > self.size:
            del self[next(iter(self))]
