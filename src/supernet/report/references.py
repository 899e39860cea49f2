"""What costs nothing: counted parameters, a ridge on the landmarks, and what the truth itself allows."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from supernet import intervals, metrics
from supernet.predictors import Fit, counts, ridge
from supernet.report.rows import GAIN, REFERENCE, Row, rank_rows
from supernet.report.sampling import Sampling
from supernet.seeding import stream
from supernet.spaces import SearchSpace

CLASSES = 1  # of the counted net: a constant of all architectures, which ranks nothing
PARAMETERS = "parameters"
ALONE: Mapping[str, Fit] = {"ridge": ridge.fit, "counts": counts.fit}  # what landmarks say without a super-net
ON_LANDMARKS = "{predictor} on landmarks of {method}"
TRUTH = "stand-alone training"


def counted(space: SearchSpace, archs: Iterable[str], width: int, cells: int) -> np.ndarray:
    """``(len(archs),)``: parameters of the stand-alone nets."""
    counts = [space.parameters(space.parse(text), width=width, cells=cells, classes=CLASSES) for text in archs]
    return np.array(counts, dtype=float)


def predicted(space: SearchSpace, archs: Sequence[str], known: pd.Series, predictor: str, seed: int) -> np.ndarray:
    """``(len(archs),)``: what ``predictor`` says that saw nothing but ``known``, accuracies by native string."""
    predict = ALONE[predictor](space, [space.parse(text) for text in known.index], known, stream(seed, predictor))
    return predict([space.parse(text) for text in archs])


def ranked(name: str, guess: np.ndarray, sampling: Sampling, **at: int) -> list[Row]:
    """Ranking by a ``guess: (n,)`` of the architectures of ``sampling``; ``at``: the seed, if it has one."""
    rows = rank_rows(sampling.truth, guess, sampling.settings, sampling.resampled(guess))
    return [{"method": name, "estimator": REFERENCE, **at, **row} for row in rows]


def joined(method: str, label: str, epoch: int, both: np.ndarray, guess: np.ndarray, sampling: Sampling) -> list[Row]:
    """Ranking by ``both``, the sum of an architecture's ranks by a super-net's score and by a ``guess`` without one,
    and how much better than by the guess alone; added to ``sampling``. Ranks and not values, since the losses of a few
    broken architectures are far from all others."""
    together, apart = sampling.resampled(both), sampling.resampled(guess)
    sampling.add(method, label, epoch, together)
    sampling.add(method, label + GAIN, epoch, {number: together[number] - apart[number] for number in together})
    rows, alone = (rank_rows(sampling.truth, x, sampling.settings, {}) for x in (both, guess))
    gains = [{**row, "value": row["value"] - other["value"]} for row, other in zip(rows, alone, strict=True)]
    return [{**row, "estimator": label} for row in rows] + [{**row, "estimator": label + GAIN} for row in gains]


def order_against_score(truth: pd.DataFrame, order: str, score: str, settings: Mapping[str, Any]) -> list[Row]:
    """Kendall's tau between the truth that orders landmarks and the one that rankings are measured against."""
    return [_tau(f"{order}_vs_{score}_tau", None, truth[score], truth[order], settings)]


def replicates(truth: pd.DataFrame, score: str, settings: Mapping[str, Any]) -> list[Row]:
    """Agreement of every two stand-alone trainings, and the highest tau that their mean lets a perfect predictor have.

    The ceiling follows from the mean agreement of all pairs; its bounds from the mean of their bounds.
    """
    names = [c for c in truth.columns if c.startswith(f"{score}_s")]
    pairs: Sequence[tuple[str, str]] = list(combinations(names, 2))
    if not pairs:
        return []
    rows = [_tau("replicate_tau", f"{a} against {b}", truth[a], truth[b], settings) for a, b in pairs]
    ceiling = {
        bound: metrics.ceiling_from_replicates(float(np.mean([row[bound] for row in rows])), len(names))
        for bound in ("value", "low", "high")
    }
    definition = f"mean of {len(names)} trainings"
    return [*rows, {**rows[0], "metric": "tau_ceiling", "definition": definition, **ceiling}]


def _tau(metric: str, definition: str | None, a: pd.Series, b: pd.Series, settings: Mapping[str, Any]) -> Row:
    how = {"rng": stream(0, "bootstrap"), "resamples": settings["bootstrap"], "level": settings["level"]}
    value, low, high = intervals.bootstrap(metrics.kendall_tau, a, b, **how)
    names = {"method": TRUTH, "estimator": REFERENCE, "metric": metric, "definition": definition}
    return {**names, "value": value, "low": low, "high": high, "n": len(a)}
