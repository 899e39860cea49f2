"""The part of a study's table that speaks of estimators (`supernet.report.estimators`)."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pandas as pd

from supernet.report import window
from supernet.report.estimators import BY_SCORE, BY_TRUTH, DIFFERENCE, GROUPS, LEVEL_TAU, LEVELS, PEARSON
from supernet.report.grid import having, section
from supernet.report.quantities import Quantity, estimated, of_estimators
from supernet.report.rows import select

ESTIMATOR, COMPLEXITY, OPERATION, LOGGED = "estimator", "complexity", "operation", "logged"
PAIRED, SCORES = "estimator contrast", "score contrast"

CRITERIA = (
    "Every score of every method, at the end of training. Ranks are fractions of the architectures, from 1 / n, the"
    " best: the best and the worst true rank among the best-scored; lower is better."
)
STABLE = (
    "The same scores, compared with those of the checkpoint before as if the later were the truth (Kendall's tau, P@k);"
    " and tau among architectures that a coarse score, by the last weights, does not tell apart, with the part of its"
    " levels that hold several. Averages of checkpoints share members with the average before, which raises stability."
)
BIASED = "Mean (true rank - rank by score) / n in fifths by parameters, from the smallest: above 0 is over-estimated."
OPERATIONS = "How often one operation in place of another, all else equal, raises the truth, and how often the score."
WHAT_WAS_LOGGED = "Means of an epoch at the beginning, the middle and the end; what one forgot is logged with the next."
RISES = [Quantity("truth rises", {"metric": BY_TRUTH}), Quantity("score rises", {"metric": BY_SCORE})]
FIFTHS = [
    Quantity(f"fifth {i}", {"metric": DIFFERENCE, "definition": f"parameters {i} of {GROUPS}"})
    for i in range(1, GROUPS + 1)
]


PAIRED_CAPTION = "Every score of A less that of B, at the end of training, paired over the seeds."
SCORES_CAPTION = (
    "Score A less score B of the same super-nets, at the end of training, paired over the seeds. That other"
    " architectures might have been drawn is not in the brackets, but in what is bold."
)


def _chance(rows: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    count, level = int(rows["low"].notna().sum()), settings["metrics"]["level"]
    chance = f"about {(1 - level) * count:.1f} would exclude 0 (bold) by chance"
    return f" {count} intervals at {100 * level:g} %: were nothing true, {chance}."


def _stability(study: Mapping[str, Any]) -> list[Quantity]:
    found = [Quantity("stability", {"metric": window.STABILITY})]
    for k in study["criteria"]:
        at = {"metric": "relative_precision_at_k", "resolution": k}
        found.append(Quantity(f"relative P@top {100 * k:g} %", at))
    if study.get("levels"):
        found += [
            Quantity("tau inside levels", {"metric": LEVEL_TAU}),
            Quantity("levels of several", {"metric": LEVELS}),
        ]
    return found


def entries(whole: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], pd.Series]]:
    """Of a study of estimators: every score of every method by all criteria, its biases, and what training logged."""
    study = settings["study"]
    parts = [(ESTIMATOR, [*of_estimators(settings), *_stability(study)]), (COMPLEXITY, FIFTHS)]
    for pair in study["contrasts"]:
        own = select(whole, method=" - ".join(pair))
        for label, column in product(dict.fromkeys(own["estimator"].dropna()), of_estimators(settings)):
            for _, row in select(own, estimator=label, **column.where).iterrows():
                yield (PAIRED, f"{' - '.join(pair)}: {label}", column.title), row
    for name, (a, b) in product(study["methods"], study.get("scores", [])):
        own = select(whole, method=f"{name}: {a} - {b}")
        for column in of_estimators(settings):
            for _, row in select(own, **column.where).iterrows():
                yield (SCORES, f"{name}: {a} - {b}", column.title), row
    for name in study["methods"]:
        labels = dict.fromkeys(select(whole, method=name, metric=PEARSON)["estimator"])
        for part, columns in parts:
            for label, column in product(labels, columns):
                for _, row in estimated(whole, name, label, column.where).iterrows():
                    yield (part, f"{name}: {label}", column.title), row
        for column in RISES:
            for _, row in select(whole, method=name, **column.where).iterrows():
                if row["estimator"].endswith(":loss"):
                    yield (OPERATION, f"{name}: {row['definition']}", column.title), row
        for metric in study.get("logged", []):
            own = select(whole, method=name, metric=metric).sort_values("epoch")
            for row in (own.iloc[i] for i in sorted({0, len(own) // 2, len(own) - 1}) if len(own)):
                yield (LOGGED, f"{name}, epoch {row['epoch']:g}", metric), row


def sections(table: pd.DataFrame, settings: Mapping[str, Any]) -> list[str]:
    """Markdown of what `entries` found."""
    study, criteria = settings["study"], of_estimators(settings)
    stable, rows = _stability(study), select(table, part=ESTIMATOR)
    logged = [Quantity(metric, {}) for metric in study.get("logged", [])]
    differences, scores = select(table, part=PAIRED), select(table, part=SCORES)
    many, more = PAIRED_CAPTION + _chance(differences, settings), SCORES_CAPTION + _chance(scores, settings)
    operations, size = select(table, part=OPERATION), select(table, part=COMPLEXITY)
    return [
        *section("Estimators", CRITERIA, "method: score", criteria, having(criteria, rows), bold=False),
        *section("Differences", many, "A - B: score", criteria, differences, bold=True),
        *section("Scores", more, "method: A - B", criteria, scores, bold=True),
        *section("Stability", STABLE, "method: score", stable, having(stable, rows), bold=False),
        *section("Bias by size", BIASED, "method: score", FIFTHS, size, bold=False),
        *section("Bias by operation", OPERATIONS, "method: from -> to", RISES, operations, bold=False),
        *section("In training", WHAT_WAS_LOGGED, "method", logged, select(table, part=LOGGED), bold=False),
    ]
