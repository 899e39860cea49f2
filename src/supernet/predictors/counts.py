"""Ridge regression on how often each operation stands in an architecture, wherever it stands."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from supernet.arch import Arch
from supernet.predictors import Predict
from supernet.predictors.ridge import regress
from supernet.spaces import SearchSpace


def fit(space: SearchSpace, archs: Sequence[Arch], truth: ArrayLike, rng: np.random.Generator) -> Predict:
    """Fit ``truth: (n,)`` of ``archs``; see `supernet.predictors` and `ridge.regress`. ``rng`` is not used.

    Parameters and multiply-adds are all but linear in these counts, so the model contains a regression on either; what
    it is after a fit to a few architectures can still rank worse than either.
    """
    names = sorted({name for choice in space.choices for name in choice.options})

    def counts(some: Sequence[Arch]) -> np.ndarray:
        operations = [[c.options[o] for c, o in zip(space.choices, arch, strict=True)] for arch in some]
        return np.array([[one.count(name) for name in names] for one in operations], dtype=float)

    return regress(counts, archs, truth)
