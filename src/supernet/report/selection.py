"""What the best-scored architectures are worth, and how the truly best ones are ranked (Laube et al. 2022)."""

from collections.abc import Iterator

import numpy as np

from supernet import metrics
from supernet.report.rows import Row
from supernet.sections import Study

TOP_ACCURACY, IMPROVEMENT, AMONG_BEST = "top_accuracy", "improvement", "tau_among_best"


def rows(truth: np.ndarray, score: np.ndarray, study: Study) -> Iterator[Row]:
    """A row for each number of architectures that ``study`` names, the ``resolution``; without an interval."""
    for metric, k in asked(study, len(truth)):
        value = getattr(metrics, metric)(truth, score, k)
        yield {"metric": metric, "resolution": k, "value": value, "n": len(truth)}


def asked(study: Study, n: int) -> Iterator[tuple[str, int]]:
    """Which functions of `metrics`, of how many of ``n`` architectures."""
    for metric, counts in ((TOP_ACCURACY, study.top), (IMPROVEMENT, study.top), (AMONG_BEST, study.best)):
        yield from ((metric, min(k, n)) for k in counts)
