"""What is known once a whole space is scored: rank metrics of all that taught nothing, and what a sample hides."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from supernet import criteria, metrics
from supernet.report.rows import Row, rank_rows
from supernet.seeding import stream

BEST_OF = (1, 10, 100)
SUBSETS = 1000
SIZES = (50, 200)
REGRET, SPREAD = "regret_at_k", "subset_spread"
ONE, MEAN = "one seed, {} architectures", "mean of the seeds, {} architectures"


def rows(truth: np.ndarray, score: np.ndarray, settings: Mapping[str, Any]) -> Iterator[Row]:
    """All rank metrics, and `criteria.regret_at_k`, whose ``resolution`` is k; no interval: nothing was sampled."""
    yield from rank_rows(truth, score, settings, {})
    for k in (k for k in BEST_OF if k <= len(truth)):
        value = criteria.regret_at_k(truth, score, k)
        yield {"metric": REGRET, "definition": "expected", "resolution": k, "value": value, "n": len(truth)}


def spreads(
    truth: np.ndarray, scores: Mapping[str, np.ndarray], pairs: Sequence[Sequence[str]], settings: Mapping[str, Any]
) -> Iterator[Row]:
    """How far S-KdT of fewer architectures strays: its standard deviation over `SUBSETS` random subsets of each size.

    ``truth: (n,)``; ``scores: (seeds, n)`` by method. For ``pairs`` (A, B) that of the difference on the same subsets.
    ``definition`` `ONE` is of the numbers of a seed, mean over seeds; `MEAN` of the seeds' mean on the same subsets,
    which is what a study on one set of architectures has.
    """
    width = settings["resolutions"][0]
    for size in (size for size in SIZES if size < len(truth)):
        subsets = [stream(0, "subsets", size, i).choice(len(truth), size, replace=False) for i in range(SUBSETS)]

        def tau(score: np.ndarray, subsets: list[np.ndarray] = subsets) -> list[float]:
            return [metrics.sparse_kendall_tau(truth[s], score[s], resolution=width) for s in subsets]

        taus = {name: np.array([tau(score) for score in each]) for name, each in scores.items()}  # (seeds, SUBSETS)
        taus |= {f"{a} - {b}": taus[a] - taus[b] for a, b in pairs if taus.keys() >= {a, b}}
        for name, values in taus.items():
            number = {"metric": SPREAD, "resolution": width, "n": SUBSETS, "method": name}
            one, mean = np.nanstd(values, axis=1, ddof=1).mean(), np.nanstd(values.mean(0), ddof=1)
            yield {**number, "definition": ONE.format(size), "value": float(one)}
            yield {**number, "definition": MEAN.format(size), "value": float(mean)}
