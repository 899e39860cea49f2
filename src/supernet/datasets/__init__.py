"""Image data sets. A kind is a file here exporting a keyword-only ``make(...)`` that returns a ``Load``."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Arrays:
    """A whole data set, decoded, in its official order.

    - ``train_images``, ``test_images``: ``(n, H, W, 3)`` uint8, RGB.
    - ``train_labels``, ``test_labels``: ``(n,)`` int64 in ``0..classes-1``.
    - ``flip``: whether a mirrored image keeps its class, so that training may flip it (a car does, a 3 does not).
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    flip: bool


Load = Callable[[Path | None, Path], Arrays]
"""``load(mirror, cache)``: ``mirror`` is a folder to read files from (or None), ``cache`` one that keeps downloads."""
