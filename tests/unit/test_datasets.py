import hashlib
import io
import os
import socket
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from supernet import datasets, plugins
from supernet.datasets import cifar10, digits
from supernet.errors import UserError

ARCHIVE = "cifar-10-binary.tar.gz"
MIRROR_FILES = [*(f"cifar10_train_batch{i}.parquet" for i in range(1, 6)), "cifar10_test.parquet"]
CONTENT_SHA256 = "013ba16d14ecc4829da62bf2af648ca30f600491ecb3e7f329c827db0dd17522"  # of the real CIFAR-10
BATCH_MD5 = [  # of the official .bin files
    "5dd7e06a14cb22eb9f671a540d1b7c25",
    "5ea93a67294ea407fff1d09f752e9692",
    "942cd6a4bcdd0dd3c604fbe906cb4421",
    "ae636b3ba5c66a11e91e8cb52e771fcb",
    "53f37980c15c3d472c316c40844f3f0d",
    "803d5f7f4d78ea53de84dbe85f74fb6d",
]
MIRROR = Path(os.environ.get("SUPERNET_MIRROR", "/nonexistent"))


def official_archive(path: Path, batches: list[bytes]) -> str:
    """Write ``batches`` in the layout of the official archive, other files and reversed order included; its md5."""
    with tarfile.open(path, "w:gz", compresslevel=0) as tar:
        members = {**dict(zip(cifar10.MEMBERS, batches, strict=True)), "batches.meta": b"airplane\n"}
        for name, content in reversed(members.items()):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.{'txt' if 'meta' in name else 'bin'}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return hashlib.md5(path.read_bytes()).hexdigest()


def webp(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


@pytest.fixture
def site(tmp_path):
    """An empty folder served on 127.0.0.1, and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/{ARCHIVE}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def tiny(tmp_path):
    """Six batches of four random images: all images and labels, their mirror folder, and the encoded batches.

    The bytes are put together here pixel by pixel, as the official description says, not by the code under test.
    """
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (24, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, 24)
    mirror, batches = tmp_path / "mirror", []
    mirror.mkdir()
    for i, name in enumerate(MIRROR_FILES):
        part = range(4 * i, 4 * i + 4)
        planes = {k: b"".join(images[k, :, :, c].tobytes() for c in range(3)) for k in part}
        batches.append(b"".join(bytes([labels[k]]) + planes[k] for k in part))
        table = {"image": [webp(images[k]) for k in part], "label": labels[part]}
        pq.write_table(pa.table(table), mirror / name)
    return images, labels, mirror, batches


def make(batches: list[bytes], url: str = f"http://127.0.0.1:1/{ARCHIVE}", md5: str = "0" * 32) -> datasets.Load:
    content = hashlib.sha256(b"".join(batches)).hexdigest()
    return cifar10.make(url=url, md5=md5, content_sha256=content, mirror_files=MIRROR_FILES)


def assert_equal(arrays: datasets.Arrays, images: np.ndarray, labels: np.ndarray, train: int) -> None:
    np.testing.assert_array_equal(arrays.train_images, images[:train])
    np.testing.assert_array_equal(arrays.train_labels, labels[:train])
    np.testing.assert_array_equal(arrays.test_images, images[train:])
    np.testing.assert_array_equal(arrays.test_labels, labels[train:])
    assert arrays.train_images.dtype == np.uint8 and arrays.train_labels.dtype == np.int64 and arrays.flip


def refusal(load: datasets.Load, mirror: Path | None, cache: Path) -> str:
    """The one line that ``load`` refuses with."""
    with pytest.raises(UserError) as caught:
        load(mirror, cache)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_kinds_are_the_files():
    assert plugins.kinds("datasets") == ["cifar10", "digits"]


def test_all_routes_end_in_the_same_arrays(site, tiny, tmp_path):
    (folder, url), (images, labels, mirror, batches) = site, tiny
    md5 = official_archive(folder / ARCHIVE, batches)
    load = make(batches, url, md5)
    assert_equal(load(mirror, tmp_path / "a"), images, labels, 20)
    assert not (tmp_path / "a").exists()  # the mirror sufficed
    assert_equal(load(None, tmp_path / "b"), images, labels, 20)
    (folder / ARCHIVE).rename(tmp_path / ARCHIVE)  # from here on the download would fail
    assert_equal(load(None, tmp_path / "b"), images, labels, 20)
    assert_equal(load(tmp_path, tmp_path / "c"), images, labels, 20)


@pytest.mark.skipif(not (MIRROR / MIRROR_FILES[0]).is_file(), reason="needs SUPERNET_MIRROR with CIFAR-10")
def test_real_cifar10_by_both_routes(site, tmp_path):
    folder, url = site
    make_real = partial(cifar10.make, url=url, content_sha256=CONTENT_SHA256, mirror_files=MIRROR_FILES)
    arrays = make_real(md5="0" * 32)(MIRROR, tmp_path)
    images, labels = arrays.train_images, arrays.train_labels
    np.testing.assert_allclose(images.mean((0, 1, 2)) / 255, [0.4914, 0.4822, 0.4465], atol=5e-5)
    assert np.bincount(labels).tolist() == [5000] * 10 and np.bincount(arrays.test_labels).tolist() == [1000] * 10

    batches = [cifar10.encode(images[i : i + 10000], labels[i : i + 10000]) for i in range(0, 50000, 10000)]
    batches.append(cifar10.encode(arrays.test_images, arrays.test_labels))
    assert [hashlib.md5(batch).hexdigest() for batch in batches] == BATCH_MD5
    md5 = official_archive(folder / ARCHIVE, batches)
    downloaded = make_real(md5=md5)(None, tmp_path / "cache")
    assert (downloaded.train_images == images).all() and (downloaded.test_labels == arrays.test_labels).all()


def test_a_wrong_checksum_keeps_the_file_aside(site, tiny, tmp_path):
    (folder, url), (_, _, _, batches) = site, tiny
    official_archive(folder / ARCHIVE, batches)
    content = (folder / ARCHIVE).read_bytes()
    load, cache = make(batches, url, md5="1" * 32), tmp_path / "cache"

    message = refusal(load, None, cache)  # downloaded
    assert ARCHIVE in message and "1" * 32 in message and hashlib.md5(content).hexdigest() in message
    assert [file.name for file in cache.iterdir()] == [f"{ARCHIVE}.bad"]
    assert (cache / f"{ARCHIVE}.bad").read_bytes() == content

    (cache / ARCHIVE).write_bytes(b"cut off")  # lying there
    assert f"{ARCHIVE}.bad" in refusal(load, None, cache)
    assert [file.name for file in cache.iterdir()] == [f"{ARCHIVE}.bad"]
    assert (cache / f"{ARCHIVE}.bad").read_bytes() == b"cut off"

    assert str(folder) in refusal(load, folder, tmp_path / "other")  # the user's own mirror is left alone
    assert (folder / ARCHIVE).read_bytes() == content and not (tmp_path / "other").exists()


def test_unreachable_names_file_address_and_mirror(site, tiny, tmp_path):
    _, _, mirror, batches = tiny
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/{ARCHIVE}"
    missing = site[1]  # the server answers, with 404
    for url in (closed, missing):
        message = refusal(make(batches, url), None, tmp_path / "cache")
        assert url in message and "SUPERNET_MIRROR" in message
    (mirror / MIRROR_FILES[3]).unlink()
    message = refusal(make(batches, closed), mirror, tmp_path / "cache")
    assert MIRROR_FILES[3] in message and str(mirror) in message and "SUPERNET_MIRROR" in message


def test_damaged_files_are_refused(tiny, tmp_path):
    _, _, mirror, batches = tiny
    assert "content_sha256" in refusal(make(batches[::-1]), mirror, tmp_path)
    whole = (mirror / MIRROR_FILES[1]).read_bytes()
    (mirror / MIRROR_FILES[1]).write_bytes(whole[:-100])
    assert MIRROR_FILES[1] in refusal(make(batches), mirror, tmp_path)
    (tmp_path / ARCHIVE).write_bytes(b"no archive")
    md5 = hashlib.md5(b"no archive").hexdigest()
    assert "not an official CIFAR-10 binary archive" in refusal(make(batches, md5=md5), None, tmp_path)


def test_digits_are_deterministic_scenes(tmp_path):
    first, again, other = (digits.make(images=60, test=30, seed=seed)(None, tmp_path) for seed in (0, 0, 1))
    assert first.train_images.shape == (60, 16, 16, 3) and first.test_images.shape == (30, 16, 16, 3)
    assert first.train_images.dtype == np.uint8 and first.train_labels.dtype == np.int64 and not first.flip
    assert (first.train_images == again.train_images).all() and (first.test_images == again.test_images).all()
    assert (first.train_images != other.train_images).any()
    assert digits.make(images=3, test=3, size=24)(None, tmp_path).test_images.shape == (3, 24, 24, 3)


def test_digit_labels_are_right_and_the_sources_disjoint(monkeypatch, tmp_path):
    # With every difficulty off, a scene is a source digit in one colour, so that its source can be found again.
    plain = {"TURN": 0, "FILL": (1, 1), "SHIFT": 0, "FRAGMENTS": 0, "INK": (0.3, 0.3), "NOISE": 0}
    for knob, value in plain.items():
        monkeypatch.setattr(digits, knob, value)
    arrays = digits.make(images=300, test=200, size=8)(None, tmp_path)
    source = load_digits()
    known = source.images.reshape(len(source.images), -1)
    sources = []
    for images, labels in ((arrays.train_images, arrays.train_labels), (arrays.test_images, arrays.test_labels)):
        scenes = images.mean(-1).reshape(len(images), -1)
        match = np.abs(np.corrcoef(scenes, known)[: len(scenes), len(scenes) :])
        assert match.max(1).min() > 0.99
        assert (source.target[match.argmax(1)] == labels).all()
        sources.append(set(match.argmax(1)))
    assert len(sources[0]) > 200 and len(sources[1]) > 100 and not sources[0] & sources[1]


def test_place_turns_and_shifts():
    glyph = np.random.default_rng(0).random((1, 8, 8)).astype(np.float32)
    one, quarter = np.ones(1), np.array([np.pi / 2])
    turned = digits._place(glyph, np.zeros((1, 2)), one, quarter, size=8)
    # the outermost rows and columns may fall off by rounding of the sine
    np.testing.assert_allclose(turned[0, 1:-1, 1:-1], np.rot90(glyph[0])[1:-1, 1:-1], atol=1e-5)
    shifted = digits._place(glyph, np.array([[2, -1]]), one, np.zeros(1), size=12)
    np.testing.assert_array_equal(shifted[0, 4:12, 1:9], glyph[0])
    assert shifted.sum() == pytest.approx(glyph.sum())


@pytest.mark.parametrize("wrong", [{"images": 0}, {"test": 0}, {"size": 7}])
def test_impossible_digits_name_their_key(wrong):
    with pytest.raises(UserError, match=f"digits: {next(iter(wrong))} = "):
        digits.make(**{"images": 10, "test": 10, **wrong})
