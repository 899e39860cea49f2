"""The quantities of a study's table and figures: which rows they show, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from supernet.report.estimators import SHOWN
from supernet.report.rows import REFERENCE, select, side
from supernet.report.selection import AMONG_BEST, IMPROVEMENT, TOP_ACCURACY
from supernet.report.whole import BEST_OF, REGRET
from supernet.sections import OWN

TAU, FOUND = "Kendall tau", "found, %"
DASH = "–"
AGREEMENT = "agreement:gradients"  # says when to split, and ranks nothing


@dataclass(frozen=True)
class Quantity:
    """A column: which rows it shows, and how (``factor`` 100 prints fractions in percent)."""

    title: str
    where: Mapping[str, Any] = field(hash=False)
    factor: float = 1
    digits: int = 3

    def cell(self, row: Mapping[str, Any], bold: bool = False) -> str:
        """``value [low, high]``; in bold where asked for and it is on one `side` of 0."""
        if pd.isna(row["value"]):
            return DASH
        value, low, high = (f"{row[k] * self.factor:.{self.digits}f}" for k in ("value", "low", "high"))
        text = value if pd.isna(row["low"]) else f"{value} [{low}, {high}]"
        return f"**{text}**" if bold and side(row) else text


def main_score(labels: list[str]) -> str:
    """The score that a table shows rank metrics of: by loss, which hardly ties (D42), else the first one."""
    return next((label for label in labels if label.split(":")[-1] == "loss"), labels[0])


def score_names(rows: pd.DataFrame) -> list[str]:
    """The scores that ``rows`` hold rank metrics of, the main one first, then in the order of the study."""
    labels = [label for label in dict.fromkeys(rows["estimator"].dropna()) if label not in (REFERENCE, AGREEMENT)]
    main = main_score(labels)
    return [main, *(label for label in labels if label != main)]


def ranked(rows: pd.DataFrame) -> str:
    """The score whose other rank metrics are shown: the main one's of the whole space, where that was scored."""
    main, *_ = score_names(rows)
    spaces = dict.fromkeys(rows["estimator"][rows["metric"] == REGRET].dropna())
    return next((label for label in spaces if label.split(":")[-1] == main.split(":")[-1]), main)


def quantities(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[Quantity]:
    """The columns of a study's table; the first resolution, the first k and the first searcher are the ones shown."""
    labels = score_names(rows)
    own, k = settings["task"]["score_truth"], settings["metrics"]["precision_at"][0]
    main = ranked(rows)
    by_main = {"estimator": main, "truth": own}
    if settings["study"].get("criteria"):
        labels = labels[:1]  # the others have a section of their own
    found = [Quantity(f"S-KdT, {label}", s_kdt(label, own, settings)) for label in labels]
    found += [
        Quantity(TAU, {**by_main, "metric": "kendall_tau"}),
        Quantity("Spearman", {**by_main, "metric": "spearman"}),
        Quantity(f"P@{100 * k:g} %", {**by_main, "metric": "precision_at_k", "resolution": k}),
    ]
    if main != labels[0]:  # of the whole space; beside it what the evaluation set says
        on_sample = {"estimator": labels[0], "truth": own}
        found += [
            Quantity(f"{TAU}, {labels[0]}", {**on_sample, "metric": "kendall_tau"}),
            Quantity(f"P@{100 * k:g} %, {labels[0]}", {**on_sample, "metric": "precision_at_k", "resolution": k}),
        ]
        for best in BEST_OF:
            where = {"estimator": main, "metric": REGRET, "resolution": best}
            found.append(Quantity(f"regret@{best}, %", where, 100, 2))
    for k in settings["study"].get("top", []):
        found.append(Quantity(f"top {k}, %", {**by_main, "metric": TOP_ACCURACY, "resolution": k}, 100, 2))
        found.append(Quantity(f"improvement@{k}", {**by_main, "metric": IMPROVEMENT, "resolution": k}))
    for k in settings["study"].get("best", []):
        found.append(Quantity(f"{TAU}, best {k}", {**by_main, "metric": AMONG_BEST, "resolution": k}))
    for searcher in settings["study"]["searchers"][:1]:
        found += finds(searcher, own)
    return found


def finds(searcher: str, truth: str) -> list[Quantity]:
    """What ``searcher`` found, and the best of the seeds."""
    by = {"searcher": searcher, "truth": truth}
    return [
        Quantity(FOUND, {**by, "metric": "found_accuracy"}, 100, 2),
        Quantity("regret, %", {**by, "metric": "regret"}, 100, 2),
        Quantity("rank", {**by, "metric": "found_rank"}, 1, 1),
        Quantity("best found, %", {**by, "metric": "best_found_accuracy"}, 100, 2),
        Quantity("best rank", {**by, "metric": "best_found_rank"}, 1, 0),
    ]


def of_estimators(settings: Mapping[str, Any]) -> list[Quantity]:
    """The columns of a study of estimators; which score they are of is the row's."""
    own = {"truth": settings["task"]["score_truth"]}
    found = [
        Quantity(TAU, {**own, "metric": "kendall_tau"}),
        Quantity("Spearman", {**own, "metric": "spearman"}),
    ]
    for k in settings["study"]["criteria"]:
        at = {**own, "resolution": k}
        found += [Quantity(f"{title}{100 * k:g} %", {**at, "metric": metric}) for metric, title in SHOWN.items()]
    return found


def estimated(whole: pd.DataFrame, method: str, label: str, where: Mapping[str, Any]) -> pd.DataFrame:
    """Of rows over seeds, those of a score of ``method`` at its last checkpoint."""
    own = select(whole, method=method, estimator=label)
    return select(own, epoch=own["epoch"].max(), **where)


def elsewhere(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[Quantity]:
    """The columns of other data sets, whose truth the table holds too: S-KdT by the main score, and what was found."""
    found = []
    for dataset in settings["task"]["truth"].get("also", []):
        truth = f"{dataset}/{settings['task']['score_truth']}"
        found.append(Quantity(f"S-KdT, {dataset}", s_kdt(score_names(rows)[0], truth, settings)))
        for searcher in settings["study"]["searchers"][:1]:
            where = {"searcher": searcher, "truth": truth, "metric": "found_accuracy"}
            found.append(Quantity(f"found, %, {dataset}", where, 100, 2))
    return found


def s_kdt(label: str, truth: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Which rows are the S-KdT that tables and figures show: the paper's, at the first resolution."""
    width = settings["metrics"]["resolutions"][0]
    sparse = {"metric": "sparse_kendall_tau", "definition": "paper", "resolution": width}
    return {"estimator": label, "truth": truth, **sparse}


def by_whom(searcher: str) -> str:
    """Whose finds a study's ``searcher`` stands for."""
    return "each method's own search" if searcher == OWN else f"`{searcher}`"
