"""Ridge regression on the one-hot code: what the landmarks say without any super-net."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from supernet.arch import Arch, one_hot
from supernet.predictors import Predict
from supernet.spaces import SearchSpace

ALPHAS = np.logspace(-2, 2, 9)  # candidates for the penalty; leave-one-out error chooses


def fit(space: SearchSpace, archs: Sequence[Arch], truth: ArrayLike, rng: np.random.Generator) -> Predict:
    """Fit ``truth: (n,)`` of ``archs``; see `supernet.predictors` and `regress`. ``rng`` is not used."""
    return regress(lambda some: one_hot(space.choices, some), archs, truth)


def regress(features: Callable[[Sequence[Arch]], np.ndarray], archs: Sequence[Arch], truth: ArrayLike) -> Predict:
    """Ridge regression of ``truth: (n,)`` on ``features(archs): (n, d)``. Nothing is random.

    The penalty is chosen by efficient leave-one-out cross-validation (scikit-learn's ``RidgeCV``).
    """
    from sklearn.linear_model import RidgeCV  # a second of import, so only where it is asked for

    model = RidgeCV(alphas=ALPHAS).fit(features(archs), np.asarray(truth, dtype=np.float64))
    return lambda others: model.predict(features(others))
