"""Super-net training algorithms: one file each, which exports ``make(setup, *, ...)``.

The keyword-only parameters of ``make`` are what ``methods.NAME.args`` in params.yaml may say. It returns a
`supernet.step.Method`; what regularises one is in `supernet.regularisers`.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from supernet.arch import Arch
from supernet.plugins import load
from supernet.spaces import SearchSpace
from supernet.step import Method


@dataclass(frozen=True)
class Setup:
    """What a stage gives every method.

    * ``epochs``, ``warmup``: of the whole run, in epochs.
    * ``landmarks``: architectures with known stand-alone performance, ``truth: (len(landmarks),)`` their accuracies,
      higher is better; none in the warm-up.
    * ``seed``: of the run, for what a method draws once and not at every step.
    * ``pool``: architectures that a search met at the end of the iteration before, each once; none in the warm-up.
      ``pool_scores: (len(pool),)`` what it scored them, higher is better.
    """

    space: SearchSpace
    epochs: int
    warmup: int
    seed: int
    landmarks: tuple[Arch, ...] = ()
    truth: np.ndarray = field(default_factory=lambda: np.empty(0))
    pool: tuple[Arch, ...] = ()
    pool_scores: np.ndarray = field(default_factory=lambda: np.empty(0))


def make(kind: str, setup: Setup, args: dict[str, Any]) -> Method:
    """The method of file ``kind`` with ``args``, which `supernet.config` has checked."""
    return load("methods", kind).make(setup, **args)
