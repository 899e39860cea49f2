"""When to split weights, which conditional super-network weights leave open: does training itself say it?

Signals are measured at the stops of the run that is not split. Each names the stop at which it would split; what that
is worth is compared, seed by seed, with splitting at a fixed part of training.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from supernet import metrics
from supernet.report.quantities import AGREEMENT, Quantity, score_names
from supernet.report.rows import Row, last_epoch, select
from supernet.report.sampling import Sampling
from supernet.report.selection import IMPROVEMENT
from supernet.sections import Method

MEAN, STABILITY = "mean_score", "stability"
GAIN, LATER = "gain_over_fixed_split", "later_than_fixed_split"
FIXED = 0.6  # of all epochs


@dataclass(frozen=True)
class Signal:
    """Split where ``metric`` of the run that is not split is ``extreme``; ``estimator``: None is the main score."""

    name: str
    metric: str
    estimator: str | None
    extreme: str


SIGNALS = (
    Signal("least agreement of gradients", MEAN, AGREEMENT, "idxmin"),
    Signal("most stable ranks", STABILITY, None, "idxmax"),
    Signal("least stable ranks", STABILITY, None, "idxmin"),
)
BEST, CHANCE = "the split that is best on the other seeds", "a split at random"
LABELS = (*(signal.name for signal in SIGNALS), BEST, CHANCE)


def curves(score: np.ndarray, before: np.ndarray | None) -> Iterator[Row]:
    """Of one checkpoint: the mean ``score: (n,)``, and Kendall's tau to the scores of the checkpoint before."""
    yield {"metric": MEAN, "value": float(score.mean()), "n": len(score)}
    if before is not None:
        yield {"metric": STABILITY, "value": metrics.kendall_tau(before, score), "n": len(score)}


def watched(rows: pd.DataFrame) -> list[Quantity]:
    """The columns of a run's curves: the means of all scores, how stable ranks are, how far gradients agree."""
    labels = score_names(rows)
    means = [Quantity(f"mean {label}", {"estimator": label, "metric": MEAN}) for label in (*labels, AGREEMENT)]
    return [*means, Quantity("tau to the stop before", {"estimator": labels[0], "metric": STABILITY})]


def gains(rows: pd.DataFrame, methods: Mapping[str, Method], truth: str, sampling: Sampling) -> Iterator[Row]:
    """What each signal gains over the split nearest to `FIXED`, and how much `LATER` it is, a row a seed and outcome.

    ``rows``: of single runs. Outcomes (the ``definition``) are Kendall's tau and `metrics.improvement` of the split
    runs at their end, by the main score against ``truth``. What a random split gains, and the one that is best on all
    other seeds, stands beside. ``sampling``: of the same runs; what is gained is added.
    """
    splits = {method.train.warmup: name for name, method in methods.items() if method.net.warmup_sharing}
    shared = methods[next(iter(splits.values()))].start
    end = methods[splits[min(splits)]].train.epochs
    fixed = min(splits, key=lambda epoch: abs(epoch / end - FIXED))
    main, *_ = score_names(rows)
    for metric in ("kendall_tau", IMPROVEMENT):
        where = {"estimator": main, "metric": metric, "truth": truth}
        ends = pd.concat([select(last_epoch(rows, name), **where).assign(at=epoch) for epoch, name in splits.items()])
        first = ends["resolution"].min()
        ends = ends if pd.isna(first) else ends[ends["resolution"] == first]
        outcomes = ends.pivot(index="seed", columns="at", values="value").loc[list(dict.fromkeys(ends["seed"]))]
        worths = outcomes.sub(outcomes[fixed], axis=0)
        number = (metric, None, None if pd.isna(first) else first)
        for i, (seed, worth) in enumerate(worths.iterrows()):
            asked = {CHANCE: list(splits)}
            if len(others := worths.drop(index=seed)):  # the best of the same seed would gain by its noise
                asked[BEST] = [others.mean().idxmax()]
            for signal in SIGNALS:
                at = {"method": shared, "seed": seed, "metric": signal.metric, "estimator": signal.estimator or main}
                curve = select(rows, **at).set_index("epoch")["value"].reindex(list(splits))
                if curve.notna().all():
                    asked[signal.name] = [getattr(curve, signal.extreme)()]
            for name, epochs in asked.items():
                resampled = {epoch: sampling.known[splits[epoch], main][i][number] for epoch in {*epochs, fixed}}
                gained = np.mean([resampled[epoch] for epoch in epochs], axis=0) - resampled[fixed]
                sampling.add(name, main, end, {(GAIN, metric, None): gained})
                row = {"method": name, "estimator": main, "epoch": end, "definition": metric, "seed": seed, "n": 1}
                yield row | {"metric": GAIN, "value": float(worth[epochs].mean(skipna=False))}
                yield row | {"metric": LATER, "value": float(np.mean(epochs) - fixed)}
