"""How a regulariser's weight grows or falls over the epochs after the warm-up.

A schedule maps how many of ``length`` epochs have ``passed`` to a factor between 0 and 1.
"""

import math
from collections.abc import Callable, Mapping

QUARTERS = (1.0, 0.1, 0.01, 0.001)


def cosine_increase(passed: float, length: float) -> float:
    """Half a cosine from 0 up to 1 (Landmark Regularization, eq. 7)."""
    return 0.5 * (1 - math.cos(math.pi * passed / length))


def cosine_decrease(passed: float, length: float) -> float:
    """Half a cosine from 1 down to 0."""
    return 0.5 * (1 + math.cos(math.pi * passed / length))


def step_decrease(passed: float, length: float) -> float:
    """1, 0.1, 0.01 and 0.001, a quarter each (Landmark Regularization's released code)."""
    return QUARTERS[min(int(4 * passed / length), 3)]


def step_increase(passed: float, length: float) -> float:
    """0, 0.01, 0.1 and 1, a quarter each (Landmark Regularization's released code)."""
    return (0.0, *QUARTERS[2::-1])[min(int(4 * passed / length), 3)]


def constant(passed: float, length: float) -> float:
    """1."""
    return 1.0


SCHEDULES: Mapping[str, Callable[[float, float], float]] = {
    f.__name__: f for f in (cosine_increase, cosine_decrease, step_increase, step_decrease, constant)
}


def weight(schedule: str, epoch: float, epochs: int, warmup: int, ramp: float = 0.0, over: str = "rest") -> float:
    """The factor at ``epoch`` of ``epochs``: 0 in the warm-up, then ``schedule`` over what remains (D11).

    During the first ``ramp`` epochs after the warm-up it rises linearly to 1 instead, and the schedule comes after
    (Landmark Regularization: 10 epochs for all but the increasing ones). ``over="run"`` stretches the schedule to the
    length of the whole run, so that it is cut off before its end, as in the released code (D02).
    """
    since = epoch - warmup
    if since < 0:
        return 0.0
    if since < ramp:
        return since / ramp
    return SCHEDULES[schedule](since - ramp, epochs - ramp - (warmup if over == "rest" else 0))
