"""What the best-scored architectures are worth, and how the truly best ones are ranked (Laube et al. 2022)."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from supernet import intervals, metrics
from supernet.report.rows import Number, Row
from supernet.sections import Study

TOP_ACCURACY, IMPROVEMENT, AMONG_BEST = "top_accuracy", "improvement", "tau_among_best"


def rows(truth: np.ndarray, score: np.ndarray, study: Study) -> Iterator[Row]:
    """A row for each number of architectures that ``study`` names, the ``resolution``; without an interval."""
    for (metric, _, k), function in asked(study, len(truth)):
        yield {"metric": metric, "resolution": k, "value": function(truth, score), "n": len(truth)}


def asked(study: Study, n: int) -> Iterator[tuple[Number, intervals.Metric]]:
    """The numbers of ``n`` architectures that ``study`` asks for, and their functions."""
    for metric, counts in ((TOP_ACCURACY, study.top), (IMPROVEMENT, study.top), (AMONG_BEST, study.best)):
        for k in (min(k, n) for k in counts):
            yield (metric, None, float(k)), partial(getattr(metrics, metric), k=k)
