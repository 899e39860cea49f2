"""Named random streams: every random decision has a name, and its bits depend on that name alone.

A stream is a function of ``(seed, *names)``, never of what was drawn before. Training draws the paths of step 17 from
``stream(seed, "paths", 17)``: two methods that share a seed see the same paths, images and landmarks (common random
numbers), and a resumed run needs to restore no generator, only its step number.
"""

import hashlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator called ``names`` under ``seed``; the same arguments give the same bits in every process."""
    digest = hashlib.sha256(repr((int(seed), *names)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64)))
