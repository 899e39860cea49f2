"""Models from architecture to performance: one file each, which exports ``fit(space, archs, truth, rng) -> predict``.

``truth: (n,)`` is any measure of the ``n`` distinct ``archs`` of which more is better: stand-alone accuracy, or a
super-net's score. ``predict(archs)`` gives ``(len(archs),)`` in the unit of ``truth``. All randomness comes from
``rng``: the same arguments give the same bits. Whoever imports this package, `ridge` or `counts` needs no torch.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from supernet.arch import Arch
from supernet.spaces import SearchSpace

Predict = Callable[[Sequence[Arch]], np.ndarray]


class Fit(Protocol):
    """What every file of this folder exports as ``fit``."""

    def __call__(
        self, space: SearchSpace, archs: Sequence[Arch], truth: ArrayLike, rng: np.random.Generator
    ) -> Predict:
        """The model that knows ``truth: (n,)`` of ``archs``, as a function of other architectures."""
