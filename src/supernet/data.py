"""Image data: from decoded arrays to named splits in one file, and from that file to resident, augmented batches.

A split lives on the training device as one uint8 tensor, zero-padded once. An epoch is a permutation of indices and
a batch one gather, so that there are no loader processes and every pixel is a function of the seed.
"""

from pathlib import Path

import numpy as np
import torch

from supernet import records
from supernet.datasets import Arrays
from supernet.device import layout
from supernet.errors import UserError
from supernet.seeding import stream


def prepare(arrays: Arrays, *, size: int, split: dict[str, int], seed: int) -> dict[str, np.ndarray]:
    """Shrink a data set and cut its training images into disjoint, random, named splits.

    - ``size``: side of the images in pixels, a divisor of the original one; each pixel is the mean of a box.
    - ``split``: number of images of each split, ``weights`` among them (train weights), beside ``guide`` (feed
      regulariser, gates and search) and ``score`` (rank). ``seed`` and the counts decide which (D14).

    **Returns** the arrays of the prepared file: ``{name}/images: (n, size, size, 3)`` uint8 and ``{name}/labels:
    (n,)`` int64 for every split and for ``test`` (in its official order); ``mean`` and ``std: (3,)`` float32 of the
    ``weights`` images in [0, 1]; ``classes: (1,)`` int64; ``flip: (1,)`` uint8, whether training may mirror an image.

    Raises ``UserError`` if ``size`` does not divide, or the splits ask for more images than there are.
    """
    side, asked, available = arrays.train_images.shape[1], sum(split.values()), len(arrays.train_images)
    if size < 1 or side % size:
        raise UserError(f"data size = {size}: must divide the side of the images, {side}")
    if empty := [name for name, count in split.items() if count < 1]:
        raise UserError(f"data split.{empty[0]} = {split[empty[0]]}: expected at least 1 image")
    if asked > available:
        wanted = " + ".join(f"{name} {count}" for name, count in split.items())
        raise UserError(f"data split: {wanted} = {asked} images, but the data set has {available}; ask for fewer")

    order = stream(seed, "split").permutation(available)
    parts = dict(zip(split, np.split(order, np.cumsum([*split.values()]))[: len(split)], strict=True))
    prepared = {"test/images": _shrink(arrays.test_images, size), "test/labels": arrays.test_labels}
    for name, chosen in parts.items():
        prepared[f"{name}/images"] = _shrink(arrays.train_images[chosen], size)
        prepared[f"{name}/labels"] = arrays.train_labels[chosen]

    pixels = prepared["weights/images"].reshape(-1, 3)
    prepared["mean"] = (pixels.mean(0, dtype=np.float64) / 255).astype(np.float32)
    prepared["std"] = (pixels.std(0, dtype=np.float64) / 255).astype(np.float32)
    prepared["classes"] = np.array([arrays.train_labels.max() + 1])
    prepared["flip"] = np.array([arrays.flip], np.uint8)
    return prepared


def _shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Box means of ``images: (n, side, side, 3)``, halves rounded up: ``(n, size, size, 3)`` uint8."""
    box = images.shape[1] // size
    if box == 1:
        return images
    totals = images.reshape(len(images), size, box, size, box, 3).sum((2, 4), dtype=np.uint32)
    return ((totals + box * box // 2) // (box * box)).astype(np.uint8)


class Images:
    """One split, resident on a device.

    - ``images: (n, size, size, 3)`` uint8 and ``labels: (n,)`` int64.
    - ``mean``, ``std``: ``(3,)``, subtracted from and divided into pixels in [0, 1].
    - ``classes``: how many classes the data set has.
    - ``flip``: whether ``batch`` may mirror an image.
    """

    def __init__(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        *,
        mean: torch.Tensor,
        std: torch.Tensor,
        classes: int,
        flip: bool,
        device: str | torch.device = "cpu",
    ) -> None:
        self.size, self.classes, self.flip = images.shape[1], classes, flip
        self.pad = self.size // 8  # 4 pixels for 32 x 32, as is usual for CIFAR
        self.labels = labels.to(device)
        self._padded = torch.nn.functional.pad(images, (0, 0, *[self.pad] * 4)).to(device)
        self._axis = torch.arange(self.size, device=device)
        # (x / 255 - mean) / std = scale * x + offset; tiled over a row of pixels, so that the inner loop is long
        self._scale = (1 / (255 * std)).repeat(self.size).to(device)
        self._offset = (-mean / std).repeat(self.size).to(device)

    @classmethod
    def load(cls, path: str | Path, split: str, device: str | torch.device = "cpu") -> "Images":
        """Read the split named ``split`` from a file of ``prepare``'s arrays; ``UserError`` if either is missing."""
        content = records.read_tensors(path, f"{split}/")
        mean, std, classes, flip = (records.read_tensors(path, key)[""] for key in ("mean", "std", "classes", "flip"))
        return cls(
            torch.from_numpy(content["images"]),
            torch.from_numpy(content["labels"]),
            mean=torch.from_numpy(mean),
            std=torch.from_numpy(std),
            classes=int(classes[0]),
            flip=bool(flip[0]),
            device=device,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def epoch(self, batch: int, rng: np.random.Generator) -> list[np.ndarray]:
        """A random order of all images, cut into full batches of ``batch`` indices; what is left over is dropped.

        Raises ``UserError`` if there is not a single full batch.
        """
        if not 1 <= batch <= len(self):
            raise UserError(f"train.batch = {batch}: expected 1 to {len(self)}, the number of images in the split")
        order = rng.permutation(len(self))
        return list(order[: len(order) // batch * batch].reshape(-1, batch))

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Augmented images: a random crop of the zero-padded image, mirrored with probability one half if ``flip``.

        **Returns** ``(N, 3, size, size)`` float32, normalised, in the memory format of `device.layout`, and
        labels ``(N,)`` int64.
        """
        top, left = rng.integers(0, 2 * self.pad + 1, (2, len(indices)))
        mirror = rng.integers(0, 2, len(indices)) if self.flip else np.zeros(len(indices), np.int64)
        return self._gather(indices, top, left, mirror)

    def plain(self, indices: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """The images as they are; shapes as ``batch``."""
        none = np.zeros(len(indices), np.int64)
        return self._gather(indices, none + self.pad, none + self.pad, none)

    def _gather(
        self, indices: np.ndarray, top: np.ndarray, left: np.ndarray, mirror: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops whose upper left corners are ``top, left`` in the padded images; all arguments ``(N,)`` int64."""
        chosen = torch.from_numpy(np.stack([indices, top, left, mirror])).to(self.labels.device)
        index, top, left, mirror = chosen[..., None]  # each (N, 1)
        side = self._padded.shape[1]
        rows = (index * side + top + self._axis) * side  # (N, size): where each image row starts
        columns = left + torch.where(mirror > 0, self.size - 1 - self._axis, self._axis)
        pixels = self._padded.view(-1, 3).index_select(0, (rows[:, :, None] + columns[:, None, :]).view(-1))
        x = pixels.view(-1, self.size * 3).float().mul_(self._scale).add_(self._offset)
        x = x.view(-1, self.size, self.size, 3).permute(0, 3, 1, 2)
        return x.contiguous(memory_format=layout(x.device)), self.labels[chosen[0]]
