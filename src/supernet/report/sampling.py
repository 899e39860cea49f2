"""What another draw of the evaluation architectures would have changed.

Intervals over seeds hold the architectures fixed, which are the same for all runs (D21). Here they are resampled, alike
for all runs and seeds: of a difference, what both sides have in common drops out.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from supernet import intervals, metrics
from supernet.report import selection
from supernet.report.rows import NAN
from supernet.sections import Study
from supernet.seeding import stream

Number = tuple[str, str | None, float | None]  # metric, definition, resolution
Term = tuple[float, str, str, Number]  # weight, method, estimator
TAU, RHO, SPARSE = "kendall_tau", "spearman", "sparse_kendall_tau"


class Sampling:
    """Numbers of runs at the end of training, on the same resamples of the architectures."""

    def __init__(self, truth: np.ndarray, study: Study, settings: Mapping[str, Any], *, complete: bool = False):
        """``truth: (n,)``; ``settings``: the ``metrics``. Of a factorial S-KdT as released is resampled too: slow.

        ``complete``: these are all architectures that there are, so that nothing was drawn.
        """
        self.truth, self.study, self.settings = truth, study, settings
        self.rows = intervals.resamples_of(len(truth), settings["bootstrap"], stream(0, "bootstrap"))
        self.known: dict[tuple[str, str], list[dict[Number, np.ndarray]]] = {}  # one a seed
        self.last: dict[str, int] = {}
        self.complete = complete
        self.whole: set[str] = set()  # estimators of all architectures: nothing was drawn

    def add(self, method: str, estimator: str, epoch: int, score: np.ndarray, less: np.ndarray | None = None) -> None:
        """The next seed's ``score: (n,)`` at the last ``epoch``; where there is ``less``, what it ranks better."""
        self.last[method] = epoch
        if self.complete:
            self.whole.add(estimator)
            return
        found = dict(self._resampled(score))
        if less is not None:
            found = {number: found[number] - values for number, values in self._resampled(less)}
        self.known.setdefault((method, estimator), []).append(found)

    def _resampled(self, score: np.ndarray) -> Iterator[tuple[Number, np.ndarray]]:
        yield (TAU, None, None), intervals.resampled_tau(self.truth, score, self.rows)
        yield (RHO, None, None), intervals.resampled_spearman(self.truth, score, self.rows)
        for width in self.settings["resolutions"]:
            bins = metrics.truth_bins(self.truth, width)
            yield (SPARSE, "paper", width), intervals.resampled_tau(bins, score, self.rows)
            if self.study.factorial:
                released = partial(metrics.sparse_kendall_tau, resolution=width, definition="released")
                yield (SPARSE, "released", width), intervals.resampled(released, self.truth, score, self.rows)
        for metric, k in selection.asked(self.study, len(self.truth)):
            function = partial(getattr(metrics, metric), k=k)
            yield (metric, None, float(k)), intervals.resampled(function, self.truth, score, self.rows)

    def half_width(self, terms: Sequence[Term], level: float | None = None) -> float:
        """Of the interval of a sum of ``terms``, each the mean over seeds; NaN where one of them was not resampled.

        ``level``: that of ``settings`` if none is given.
        """
        total = np.zeros(len(self.rows))
        for weight, method, estimator, number in terms:
            seeds = [seed[number] for seed in self.known.get((method, estimator), []) if number in seed]
            if not seeds:
                return 0.0 if estimator in self.whole else NAN
            total += weight * np.mean(seeds, axis=0)
        low, high = intervals.percentiles(total, level or self.settings["level"])
        return (high - low) / 2

    def errors(self, table: pd.DataFrame, truth: str) -> pd.DataFrame:
        """``table`` with ``sampled``: half-widths of rows over seeds, of a method, "A - B" or "method: A - B"."""
        return table.assign(sampled=[self._error(row, truth) for row in table.to_dict("records")])

    def _error(self, row: Mapping[str, Any], truth: str) -> float:
        if pd.notna(row["seed"]) or row["truth"] != truth:
            return NAN
        method, *others = row["method"].split(" - ")
        names = [(method, row["estimator"]), *((other, row["estimator"]) for other in others)]
        if pd.isna(row["estimator"]) and others:  # two scores of one method
            method, _, first = method.partition(": ")
            names = [(method, first), (method, others[0])]
        elif not others and row["epoch"] != self.last.get(method):
            return NAN
        number = numbered(row)
        return self.half_width([(sign, *name, number) for sign, name in zip((1.0, -1.0), names, strict=False)])


def numbered(row: Mapping[str, Any]) -> Number:
    """Which number a row is."""
    return (row["metric"], *(None if pd.isna(row[key]) else row[key] for key in ("definition", "resolution")))
