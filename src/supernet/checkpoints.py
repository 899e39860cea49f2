"""What a weights file holds: ``{epoch}/{name}`` of every checkpoint, and at the end the optimiser's ``momentum/{name}``
and what the method has learnt beside the weights, ``method/{name}``.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

MOMENTUM, METHOD = "momentum/", "method/"


def arrays(net: nn.Module) -> dict[str, np.ndarray]:
    """A copy of the weights and buffers of ``net`` as numpy arrays."""
    return {name: value.detach().cpu().numpy().copy() for name, value in net.state_dict().items()}


def load_arrays(net: nn.Module, values: Mapping[str, np.ndarray]) -> None:
    """Put weights and buffers into ``net``; the inverse of `arrays`."""
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in values.items()})


def averaged(values: Mapping[str, np.ndarray], epoch: int, count: int) -> dict[str, np.ndarray]:
    """The mean of ``count`` checkpoints, that of ``epoch`` and those before it, as far as there are some.

    What was not trained is no part of it. Whole numbers, which count batches, are the last one's.
    """
    last = [e for e in epochs(values) if 0 < e <= epoch][-count:] or [epoch]
    found = under(values, f"{epoch}/")
    if len(last) == 1:
        return found
    every = {name: [values[f"{e}/{name}"] for e in last] for name in found}
    return {n: v[-1] if v[-1].dtype.kind != "f" else np.mean(v, axis=0, dtype=v[-1].dtype) for n, v in every.items()}


def split(values: Mapping[str, np.ndarray], parents: Mapping[str, str]) -> dict[str, np.ndarray]:
    """``values`` of a net after its operations' weights were split: each set is a copy of the one it comes from.

    ``parents``: `nets.sharing.Sharing.parents`. Weights, buffers and momentum are treated alike; all else stays.
    """
    children: dict[str, list[str]] = {}
    for new, old in parents.items():
        children.setdefault(old, []).append(new)
    found = {}
    for name, value in values.items():
        before, operations, rest = name.partition(".ops.")
        old, dot, after = rest.partition(".")
        for new in children[old] if operations else [old]:
            found[f"{before}{operations}{new}{dot}{after}"] = value
    return found


def under(values: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names start with ``prefix``, which is cut off."""
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def epochs(values: Mapping[str, np.ndarray]) -> list[int]:
    """The epochs that have a checkpoint, in order."""
    return sorted({int(name.split("/")[0]) for name in values if not name.startswith((MOMENTUM, METHOD))})
