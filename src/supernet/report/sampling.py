"""What another draw of the evaluation architectures would have changed.

Intervals over seeds hold the architectures fixed, which are the same for all runs (D21). Here they are resampled, alike
for all runs and seeds: of a difference, what both sides have in common drops out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from supernet import intervals
from supernet.report import estimators, selection
from supernet.report.rows import NAN, Number, numbered, rank_metrics
from supernet.sections import Study
from supernet.seeding import stream

Term = tuple[float, str, str, Number]  # weight, method, estimator
Resampled = Mapping[Number, np.ndarray]


class Sampling:
    """Numbers of runs at the end of training, on the same resamples of the architectures."""

    def __init__(self, truth: np.ndarray, study: Study, settings: Mapping[str, Any], *, complete: bool = False):
        """``truth: (n,)``; ``settings``: the ``metrics``.

        ``complete``: these are all architectures that there are, so that nothing was drawn.
        """
        asked = [rank_metrics(settings), selection.asked(study, len(truth)), estimators.at_k(study.criteria, truth)]
        self.asked = dict(number for numbers in asked for number in numbers)
        self.truth, self.settings = truth, settings
        self.rows = intervals.resamples_of(len(truth), settings["bootstrap"], stream(0, "bootstrap"))
        self.known: dict[tuple[str, str], list[Resampled]] = {}  # one a seed
        self.last: dict[str, int] = {}
        self.complete = complete
        self.whole: set[str] = set()  # estimators of all architectures: nothing was drawn

    def resampled(self, score: np.ndarray) -> Resampled:
        """All numbers of a ``score: (n,)``, each ``(resamples,)``."""
        return {n: intervals.resampled(function, self.truth, score, self.rows) for n, function in self.asked.items()}

    def add(self, method: str, estimator: str, epoch: int, numbers: Resampled) -> None:
        """The next seed's resampled ``numbers`` at the last ``epoch``."""
        self.last[method] = epoch
        self.known.setdefault((method, estimator), []).append(numbers)
        if self.complete:
            self.whole.add(estimator)

    def half_width(self, terms: Sequence[Term], level: float | None = None) -> float:
        """Of the interval of a sum of ``terms``, each the mean over seeds; NaN where one of them was not resampled.

        ``level``: that of ``settings`` if none is given.
        """
        total = np.zeros(len(self.rows))
        for weight, method, estimator, number in terms:
            if estimator in self.whole:
                continue
            seeds = [seed[number] for seed in self.known.get((method, estimator), []) if number in seed]
            if not seeds:
                return NAN
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
