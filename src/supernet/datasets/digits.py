"""Synthetic scenes made from scikit-learn's bundled handwritten digits: no download, ready in seconds.

A scene shows one whole digit, turned, scaled and shifted, over fragments of other digits, in random colours and
under noise. It is small enough to train on in seconds and hard enough that architectures differ.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits

from supernet.datasets import Arrays, Load
from supernet.errors import UserError
from supernet.seeding import stream

GLYPH = 8  # pixels on a side of scikit-learn's digits
TEST_SHARE = 0.2  # of the 1,797 source digits, kept for the test scenes
TURN = np.radians(40)  # largest rotation; far enough from 90 degrees that 6 and 9 stay apart
FILL = (0.6, 1.0)  # side of the digit's box, as a part of the scene's
SHIFT = 0.1  # largest displacement of the digit's centre, as a part of the scene's side
FRAGMENTS = 5  # pieces of other digits in a scene
PIECE = (3, 6)  # side of a piece, in pixels of its source digit
INK = (0.6, 1.0)  # contrast of the digit against its background, mean over the colours
FAINT = (0.2, 0.5)  # contrast of a fragment, relative to the digit's
NOISE = 0.04  # standard deviation of the pixel noise, in units of the full range


def make(*, images: int, test: int, size: int = 16, seed: int = 0) -> Load:
    """Digit scenes: ``images`` for training and ``test`` for testing, of ``size`` x ``size`` pixels, ten classes.

    The scenes of the two sets are made of disjoint source digits. Equal arguments give equal bits; nothing is read
    from the mirror or the cache. Raises ``UserError`` for a size under 8 or an empty set.
    """
    for key, value, least in (("images", images, 1), ("test", test, 1), ("size", size, GLYPH)):
        if value < least:
            raise UserError(f"digits: {key} = {value}; expected at least {least}")

    def load(mirror: Path | None, cache: Path) -> Arrays:
        source = load_digits()
        glyphs = (source.images / 16).astype(np.float32)  # (1797, 8, 8) in [0, 1]
        order = stream(seed, "digits", "sources").permutation(len(glyphs))
        cut = round(TEST_SHARE * len(glyphs))
        train = _scenes(glyphs, source.target, order[cut:], images, size, stream(seed, "digits", "train"))
        return Arrays(
            *train, *_scenes(glyphs, source.target, order[:cut], test, size, stream(seed, "digits", "test")), flip=False
        )

    return load


def _scenes(
    glyphs: np.ndarray, labels: np.ndarray, sources: np.ndarray, n: int, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """``n`` scenes made of the digits ``sources`` (indices): ``(n, size, size, 3)`` uint8, ``(n,)`` int64."""
    chosen = rng.choice(sources, n)
    centre = rng.uniform(-SHIFT, SHIFT, (n, 2)) * size
    digit = _place(glyphs[chosen], centre, rng.uniform(*FILL, n) * size / GLYPH, rng.uniform(-TURN, TURN, n), size)

    clutter = np.zeros((n, size, size), np.float32)
    for _ in range(FRAGMENTS):
        piece = glyphs[rng.choice(sources, n)] * _windows(n, rng)
        centre = rng.uniform(-0.5, 0.5, (n, 2)) * size
        piece = _place(piece, centre, rng.uniform(*FILL, n) * size / GLYPH, rng.uniform(-np.pi, np.pi, n), size)
        clutter = np.maximum(clutter, piece * _column(rng.uniform(*FAINT, n)))

    ink = _colours(n, rng)  # the digit's difference from the background, by colour
    tint = _colours(n, rng) * np.sign(ink.mean(-1, keepdims=True)) * np.sign(rng.uniform(-0.5, 1, (n, 1, 1, 1)))
    digit, clutter = digit[..., None], (clutter * (1 - digit))[..., None]
    scene = 0.5 - ink / 2 + rng.uniform(-0.1, 0.1, (n, 1, 1, 1)) + digit * ink + clutter * tint
    scene += rng.normal(0, NOISE, scene.shape)
    return np.rint(scene.clip(0, 1) * 255).astype(np.uint8), labels[chosen].astype(np.int64)


def _place(glyphs: np.ndarray, centre: np.ndarray, scale: np.ndarray, turn: np.ndarray, size: int) -> np.ndarray:
    """Glyphs in otherwise empty scenes, by bilinear interpolation: ``(n, size, size)`` float32.

    - ``glyphs``: ``(n, 8, 8)``.
    - ``centre``: ``(n, 2)``, row and column of the glyph's middle in pixels from the scene's middle.
    - ``scale``: ``(n,)``, scene pixels for one of the glyph's; ``turn``: ``(n,)``, radians anti-clockwise.
    """
    axis = np.arange(size) - (size - 1) / 2
    row = axis[None, :, None] - _column(centre[:, 0])
    column = axis[None, None, :] - _column(centre[:, 1])
    cos, sin = _column(np.cos(turn) / scale), _column(np.sin(turn) / scale)
    middle = (GLYPH - 1) / 2
    where = np.broadcast_arrays(
        np.arange(len(glyphs))[:, None, None], middle + cos * row + sin * column, middle - sin * row + cos * column
    )
    # One call for all glyphs: whole numbers along the first axis make the interpolation two-dimensional.
    return ndimage.map_coordinates(glyphs, np.stack(where), order=1, mode="constant", output=np.float32)


def _windows(n: int, rng: np.random.Generator) -> np.ndarray:
    """``(n, 8, 8)`` masks, each one square of ``PIECE`` pixels somewhere on a glyph."""
    side = rng.integers(PIECE[0], PIECE[1] + 1, (n, 2))
    first = (rng.random((n, 2)) * (GLYPH - side + 1)).astype(int)
    axis = np.arange(GLYPH)
    inside = (axis >= first[..., None]) & (axis < (first + side)[..., None])  # (n, 2, 8)
    return inside[:, 0, :, None] & inside[:, 1, None, :]


def _colours(n: int, rng: np.random.Generator) -> np.ndarray:
    """``(n, 1, 1, 3)`` colour differences: one sign an image, a mean size in ``INK``, a hue around it."""
    hue = rng.uniform(0.5, 1.5, (n, 3))
    hue *= (rng.uniform(*INK, n) * rng.choice([-1, 1], n) / hue.mean(1))[:, None]
    return hue[:, None, None, :]


def _column(values: np.ndarray) -> np.ndarray:
    """``(n,)`` as ``(n, 1, 1)``: one value an image."""
    return values[:, None, None]
