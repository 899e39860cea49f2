"""Ways of scoring architectures: one file each, which exports ``make(subject, *, ...)``.

The keyword-only parameters of ``make`` are what ``estimators.NAME.args`` in params.yaml may say. It returns an
`Estimate`; scores are higher for better architectures, always.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from supernet.arch import Arch
from supernet.plugins import load

if TYPE_CHECKING:
    from supernet.data import Images
    from supernet.nets.supernet import SuperNet
    from supernet.spaces import SearchSpace


class Estimate(Protocol):
    """Scores of architectures."""

    def __call__(self, archs: Sequence[Arch]) -> dict[str, np.ndarray]:
        """Named scores, each of shape ``(len(archs),)``, higher is better."""


@dataclass(frozen=True)
class Subject:
    """What an estimator looks at: a super-net, the images it may score with, and those the net was trained on."""

    net: "SuperNet"
    images: "Images"
    training: "Callable[[], Images]"


def make(kind: str, subject: Subject, args: dict[str, Any]) -> Estimate:
    """The estimator of file ``kind`` with ``args``, which `supernet.config` has checked."""
    return load("estimators", kind).make(subject, **args)


def by_class(estimate: Estimate, space: "SearchSpace", reduction: str) -> Estimate:
    """``estimate`` of the architectures that stand for the classes of those asked for: `SearchSpace.canonical`.

    For super-nets that are trained on no others (Ning et al. 2021, de-isomorphic sampling).
    """
    return lambda archs: estimate([space.canonical(tuple(arch), reduction) for arch in archs])
