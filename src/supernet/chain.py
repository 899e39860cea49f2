"""The provenance chain: what a file says it was made from is what lies on disk."""

import functools
from collections.abc import Iterable
from pathlib import Path

from supernet import records
from supernet.errors import UserError

STAMPED = (".parquet", ".safetensors")


def verify(files: Iterable[str | Path]) -> int:
    """Follow the recorded inputs of ``files`` to the roots, hashing each file once; return the number of links checked.

    An input that is absent (weights and images are not in git) is passed over: what is not there cannot contradict.
    Raises ``UserError`` naming both ends of the first broken link.
    """
    sha256 = functools.cache(records.sha256)
    waiting, seen, links = [str(f) for f in files], set(), 0
    while waiting:
        path = waiting.pop()
        if path in seen or Path(path).suffix not in STAMPED:
            continue
        seen.add(path)
        for source, recorded in records.provenance(path)["inputs"].items():
            if not Path(source).exists():
                continue
            if sha256(source) != recorded:
                raise UserError(f"{path}: was made from another {source} than the one on disk; run its rule again")
            links += 1
            waiting.append(source)
    return links
