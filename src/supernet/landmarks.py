"""Sampling of landmark architectures (Landmark Regularization, Yu et al. 2021, Algorithm 1)."""

from collections.abc import Callable, Collection, Sequence
from typing import Literal

import numpy as np

from supernet import arch as archs
from supernet.arch import Arch, Choice
from supernet.errors import UserError

POOL = 1000  # architectures among which `spread` chooses
MAX_TRIES = 500  # draws a landmark, known ones included, before the sampler gives up


def sample(
    choices: Sequence[Choice],
    rng: np.random.Generator,
    *,
    kind: Literal["distant", "uniform"],
    count: int,
    distance: int = 2,
    forbidden: Collection[Arch] = (),
) -> list[Arch]:
    """Draw ``count`` distinct architectures, none of them in ``forbidden``.

    * ``distant``: Algorithm 1. A root is drawn uniformly; every further member is a random walk of single mutations
      from the root that stops as soon as its Hamming distance to the root is larger than ``distance``, hence at
      ``distance + 1``.
    * ``uniform``: uniform over the space, as the paper's released scripts do in all main experiments (D03).

    Duplicates are rejected and a walk that meets only known architectures starts again (D13).
    Raises ``UserError`` if the space has too few admissible architectures.
    """
    if kind == "distant" and distance >= len(choices):
        raise UserError(
            f"landmarks: distance is {distance}, expected less than the {len(choices)} choices of the space"
        )
    admissible = archs.size(choices) - len(set(forbidden))
    if count > admissible:
        raise UserError(f"landmarks: count is {count}, but only {admissible} architectures are admissible")
    found: list[Arch] = []
    known = set(forbidden)
    for _ in range(MAX_TRIES * count):
        if kind == "uniform" or not found:
            candidate = archs.sample(choices, rng)
        else:
            candidate = _walk(choices, found[0], distance, rng)
        if candidate not in known:
            known.add(candidate)
            found.append(candidate)
        if len(found) == count:
            return found
    raise UserError(
        f"landmarks: found only {len(found)} of {count} after {MAX_TRIES * count} tries; lower the distance"
    )


def spread(
    choices: Sequence[Choice],
    rng: np.random.Generator,
    predicted: Callable[[Arch], float],
    *,
    count: int,
    forbidden: Collection[Arch] = (),
) -> list[Arch]:
    """``count`` distinct architectures, at evenly spaced ranks by ``predicted`` among `POOL` uniformly drawn ones.

    Ours: pairs of landmarks then span all of the order that they are to teach, as far as it is known without training.
    Raises ``UserError`` as `sample` does.
    """
    if count > POOL:
        raise UserError(f"landmarks: count is {count}, more than the {POOL} among which kind: spread chooses")
    most = archs.size(choices) - len(set(forbidden))
    pool = sample(choices, rng, kind="uniform", count=max(count, min(POOL, most)), forbidden=forbidden)
    ranked = sorted(pool, key=predicted)
    return [ranked[int((i + 0.5) / count * len(ranked))] for i in range(count)]


def _walk(choices: Sequence[Choice], root: Arch, distance: int, rng: np.random.Generator) -> Arch:
    """Mutate from ``root`` until the Hamming distance to it exceeds ``distance`` (Algorithm 1, inner loop)."""
    arch = root
    while archs.hamming(arch, root) <= distance:
        arch = archs.mutate(choices, arch, rng)
    return arch
