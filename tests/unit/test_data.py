import numpy as np
import pytest
import torch

from supernet import records
from supernet.data import Images, prepare
from supernet.datasets import Arrays
from supernet.errors import UserError

SPLIT = {"weights": 20, "guide": 12, "score": 8}


def numbered(n: int = 50, side: int = 8, flip: bool = True) -> Arrays:
    """Random images; the red value of every pixel is the image's number, so that each can be told from the others."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n + 10, side, side, 3), dtype=np.uint8)
    images[..., 0] = np.arange(n + 10)[:, None, None]
    labels = np.arange(n + 10) % 7
    return Arrays(images[:n], labels[:n], images[n:], labels[n:], flip=flip)


def resident(size: int, flip: bool, n: int = 40) -> tuple[Images, np.ndarray]:
    """A split of random images normalised by the identity (mean 0, std 1/255 keep the pixel values), and its pixels."""
    pixels = np.random.default_rng(1).integers(1, 256, (n, size, size, 3), dtype=np.uint8)
    split = Images(
        torch.from_numpy(pixels),
        torch.arange(n),
        mean=torch.zeros(3),
        std=torch.full((3,), 1 / 255),
        classes=n,
        flip=flip,
    )
    return split, pixels


def crops(image: np.ndarray, pad: int) -> dict[tuple[int, int, int], np.ndarray]:
    """Every crop of the padded image and its mirror, the slow way, by (top, left, mirrored)."""
    size = len(image)
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
    found = {}
    for top in range(2 * pad + 1):
        for left in range(2 * pad + 1):
            crop = padded[top : top + size, left : left + size]
            found[top, left, 0], found[top, left, 1] = crop, crop[:, ::-1]
    return found


def draws(split: Images, pixels: np.ndarray, rounds: int) -> np.ndarray:
    """Which (top, left, mirrored) each augmented image is; fails if one is none of the possible crops of its image."""
    rng, seen = np.random.default_rng(2), []
    possible = [crops(image, split.pad) for image in pixels]
    for _ in range(rounds):
        indices = rng.permutation(len(pixels))
        x, y = split.batch(indices, rng)
        assert y.tolist() == indices.tolist()
        for got, index in zip(x.permute(0, 2, 3, 1).numpy().round().astype(np.uint8), indices, strict=True):
            matches = [key for key, crop in possible[index].items() if np.array_equal(got, crop)]
            assert len(matches) == 1
            seen += matches
    return np.array(seen)


def test_augmentation_is_a_uniform_crop_and_flip():
    split, pixels = resident(size=8, flip=True)
    seen = draws(split, pixels, rounds=40)  # 1600 draws of 3 x 3 x 2 possibilities
    counts = np.unique(seen, axis=0, return_counts=True)[1]
    assert len(counts) == 18
    assert np.abs(counts - 1600 / 18).max() < 5 * np.sqrt(1600 / 18)


def test_without_flip_nothing_is_mirrored():
    split, pixels = resident(size=16, flip=False)
    seen = draws(split, pixels, rounds=5)
    assert split.pad == 2 and set(seen[:, 0]) == set(seen[:, 1]) == set(range(5))
    assert not seen[:, 2].any()


def test_batches_depend_on_the_generator_alone():
    split, _ = resident(size=8, flip=True)
    indices = np.arange(40)
    first, again, other = (split.batch(indices, np.random.default_rng(seed))[0] for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_plain_is_normalised_and_channels_last():
    pixels = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    pixels[1, 2, 5] = torch.tensor([255, 51, 102], dtype=torch.uint8)
    split = Images(
        pixels,
        torch.tensor([4, 1]),
        mean=torch.tensor([0.5, 0.2, 0.4]),
        std=torch.tensor([0.25, 0.5, 0.1]),
        classes=5,
        flip=True,
    )
    x, y = split.plain(np.array([1, 0, 1]))
    assert x.shape == (3, 3, 8, 8) and x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert split.batch(np.array([1, 0]), np.random.default_rng(0))[0].is_contiguous(memory_format=torch.channels_last)
    assert y.tolist() == [1, 4, 1] and y.dtype == torch.int64
    # (1 - 0.5) / 0.25, (0.2 - 0.2) / 0.5, (0.4 - 0.4) / 0.1; black is -mean / std
    torch.testing.assert_close(x[0, :, 2, 5], torch.tensor([2.0, 0.0, 0.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(x[1, :, 0, 0], torch.tensor([-2.0, -0.4, -4.0]))


def test_epoch_is_a_permutation_in_full_batches():
    split, _ = resident(size=8, flip=False)
    batches = split.epoch(12, np.random.default_rng(0))
    assert [len(batch) for batch in batches] == [12, 12, 12]
    assert len(np.unique(np.concatenate(batches))) == 36
    assert np.concatenate(batches).tolist() != list(range(36))
    for impossible in (0, 41):
        with pytest.raises(UserError, match=rf"train\.batch = {impossible}: expected 1 to 40"):
            split.epoch(impossible, np.random.default_rng(0))


def test_splits_are_disjoint_seeded_and_keep_labels():
    arrays = numbered()
    prepared = prepare(arrays, size=8, split=SPLIT, seed=0)
    drawn = {name: prepared[f"{name}/images"][:, 0, 0, 0] for name in SPLIT}
    assert {name: len(numbers) for name, numbers in drawn.items()} == SPLIT
    assert len(np.unique(np.concatenate([*drawn.values()]))) == 40
    for name, numbers in drawn.items():
        assert (prepared[f"{name}/images"] == arrays.train_images[numbers]).all()
        assert (prepared[f"{name}/labels"] == numbers % 7).all()
    assert (prepared["test/images"] == arrays.test_images).all()
    assert (prepared["test/labels"] == arrays.test_labels).all()

    again, other = (prepare(arrays, size=8, split=SPLIT, seed=seed) for seed in (0, 1))
    assert all((again[key] == prepared[key]).all() for key in prepared)
    assert (other["weights/labels"] != prepared["weights/labels"]).any()


def test_shrinking_takes_the_rounded_mean_of_a_box():
    image = np.zeros((1, 4, 4, 3), np.uint8)
    image[0, :2, :2, 0] = [[1, 2], [3, 4]]  # mean 2.5, rounded up
    image[0, 2:, 2:, 1] = [[255, 255], [255, 254]]  # mean 254.75
    image[0, :2, 2:, 2] = [[0, 0], [0, 1]]  # mean 0.25
    arrays = Arrays(image, np.array([3]), image, np.array([3]), flip=False)
    prepared = prepare(arrays, size=2, split={"weights": 1}, seed=0)
    expected = np.zeros((2, 2, 3))
    expected[0, 0, 0], expected[1, 1, 1] = 3, 255
    for key in ("weights/images", "test/images"):
        assert prepared[key].dtype == np.uint8 and (prepared[key][0] == expected).all()


def test_a_written_file_comes_back_normalised(tmp_path):
    prepared = prepare(numbered(flip=False), size=4, split=SPLIT, seed=0)
    path = tmp_path / "images.safetensors"
    records.write_tensors(path, prepared, {"stage": "data", "settings": {}, "inputs": {}})
    weights = Images.load(path, "weights")
    assert (len(weights), weights.size, weights.classes, weights.flip) == (20, 4, 7, False)
    x, _ = weights.plain(np.arange(20))
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)
    assert len(Images.load(path, "test")) == 10
    with pytest.raises(UserError, match="validation"):
        Images.load(path, "validation")


@pytest.mark.parametrize(
    ("size", "split", "message"),
    [
        (8, {"weights": 30, "guide": 21}, r"data split: weights 30 \+ guide 21 = 51 images, but .* has 50"),
        (8, {"weights": 30, "guide": 0}, r"data split\.guide = 0"),
        (3, {"weights": 30}, "data size = 3: must divide .* 8"),
    ],
)
def test_impossible_requests_name_their_key(size, split, message):
    with pytest.raises(UserError, match=message):
        prepare(numbered(), size=size, split=split, seed=0)
