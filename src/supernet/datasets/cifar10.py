"""CIFAR-10 (Krizhevsky 2009) from the official binary archive or from a mirror of Parquet files.

Both routes end in the same arrays, checked by one hash over the decoded content. The binary version is used
because, unlike the Python one, it holds no pickle.
"""

import hashlib
import http.client
import io
import tarfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from tqdm import tqdm

from supernet import paths, records
from supernet.datasets import Arrays, Load
from supernet.errors import UserError

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # bytes of an image in the official binary format: label, then red, green, blue planes
TEST = "test_batch"
MEMBERS = [*(f"data_batch_{i}" for i in range(1, 6)), TEST]
CHUNK = 1 << 20  # bytes read from the network between two steps of the progress bar
TIMEOUT = 60  # seconds without an answer before the address counts as unreachable


def make(*, url: str, md5: str, content_sha256: str, mirror_files: list[str]) -> Load:
    """CIFAR-10: 50,000 training and 10,000 test images of 32 x 32 pixels, ten classes.

    Tried in this order: the archive in the cache folder, the archive in the mirror folder, the mirror's Parquet
    files, a download into the cache folder.

    - ``url``: address of the official ``cifar-10-binary.tar.gz``.
    - ``md5``: its checksum.
    - ``content_sha256``: sha256 of the five training batches and the test batch, one after the other, in the official
      binary format.
    - ``mirror_files``: names of six Parquet files (training batches in order, then the test batch) with the columns
      ``image`` (a losslessly compressed picture) and ``label``.

    ``load`` raises ``UserError`` where a file is missing, unreachable, or not the one its checksum promises.
    """

    def load(mirror: Path | None, cache: Path) -> Arrays:
        name = url.rsplit("/", 1)[-1]
        kept = [folder / name for folder in (cache, mirror) if folder is not None and (folder / name).is_file()]
        if kept:
            source = kept[0]
            batches = _unpack(_checked(source.read_bytes(), md5, source, ours=source.parent == cache), source)
        elif mirror is not None and all((mirror / file).is_file() for file in mirror_files):
            source = mirror
            batches = [_read_parquet(mirror / file) for file in mirror_files]
        else:
            source = cache / name
            content = _checked(_download(url, _advice(name, mirror, mirror_files)), md5, source, ours=True)
            records.write_bytes(source, content)
            batches = _unpack(content, source)
        found = hashlib.sha256(b"".join(batches)).hexdigest()
        if found != content_sha256:
            raise UserError(
                f"{source}: the decoded images have sha256 {found}, expected {content_sha256} (content_sha256); "
                "replace the files by the official ones"
            )
        return Arrays(*_decode(b"".join(batches[:-1])), *_decode(batches[-1]), flip=True)

    return load


def encode(images: np.ndarray, labels: np.ndarray) -> bytes:
    """The official binary format of ``images: (n, 32, 32, 3)`` uint8 with ``labels: (n,)``: ``n * 3073`` bytes."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), RECORD - 1)
    return np.concatenate([labels.astype(np.uint8)[:, None], planes], axis=1).tobytes()


def _decode(batch: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Inverse of ``encode``: images ``(n, 32, 32, 3)`` uint8 and labels ``(n,)`` int64."""
    rows = np.frombuffer(batch, np.uint8).reshape(-1, RECORD)
    images = rows[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), rows[:, 0].astype(np.int64)


def _unpack(archive: bytes, source: Path) -> list[bytes]:
    """The six batches of an official archive, in the order of ``MEMBERS``."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            # One pass in the archive's own order: seeking back in a gzip stream would decompress it again.
            found = {Path(m.name).stem: tar.extractfile(m).read() for m in tar if m.name.endswith(".bin")}
        return [found[member] for member in MEMBERS]
    except (tarfile.TarError, EOFError, OSError, zlib.error, KeyError) as error:
        raise UserError(f"{source}: not an official CIFAR-10 binary archive ({error}); check url and md5") from error


def _read_parquet(path: Path) -> bytes:
    """One batch of the mirror in the official binary format."""
    try:
        table = pq.read_table(path, columns=["image", "label"])
        pictures = tqdm(table["image"].to_pylist(), desc=path.stem, unit="image", leave=False)
        images = np.stack([np.asarray(Image.open(io.BytesIO(picture))) for picture in pictures])
        return encode(images, table["label"].to_numpy())
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: not a Parquet file of images and labels ({reason}); copy it again") from error


def _download(url: str, advice: str) -> bytes:
    """The bytes at ``url``, with a progress bar; ``advice`` ends the message when the address does not answer."""
    content = io.BytesIO()
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            total = int(answer.headers.get("Content-Length", 0)) or None
            with tqdm(total=total, desc=url.rsplit("/", 1)[-1], unit="B", unit_scale=True) as bar:
                while chunk := answer.read(CHUNK):
                    bar.update(content.write(chunk))
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the server's answer, and holds the connection
        raise UserError(f"cannot download {url} ({error}); {advice}") from error
    return content.getvalue()


def _advice(name: str, mirror: Path | None, mirror_files: list[str]) -> str:
    """What to do without a network: which file to put where, and what the mirror lacks."""
    if mirror is None:
        return f"set {paths.MIRROR} to a folder that holds {name}"
    absent = [file for file in mirror_files if not (mirror / file).is_file()]
    return f"put {name} into the folder {paths.MIRROR} names ({mirror}; it lacks {', '.join(absent)} as well)"


def _checked(content: bytes, md5: str, path: Path, ours: bool) -> bytes:
    """``content`` if its checksum is ``md5``; else a ``UserError``, with the file kept beside ``path`` as ``*.bad``.

    A file in the user's own mirror (not ``ours``) stays where it is.
    """
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found == md5:
        return content
    where = path
    if ours:
        where = path.with_name(path.name + ".bad")
        records.write_bytes(where, content)
        path.unlink(missing_ok=True)
    raise UserError(f"{path.name}: wrong checksum: md5 {found}, expected {md5}; kept as {where}; fetch it again")
