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
