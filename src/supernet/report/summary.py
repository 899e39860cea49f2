"""The table of a study: a row a method or reference, then the paired contrasts, then the same on other data sets.

As Parquet rows and as Markdown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from supernet.config import OWN
from supernet.report.references import TRUTH
from supernet.report.rows import REFERENCE, select

METHOD, FREE, CONTRAST, SEARCH, SEARCHES = "method", "reference", "contrast", "search", "search contrast"
TAU, FOUND = "Kendall tau", "found, %"
DASH = "–"


@dataclass(frozen=True)
class Quantity:
    """A column: which rows it shows, and how (``factor`` 100 prints fractions in percent)."""

    title: str
    where: Mapping[str, Any] = field(hash=False)
    factor: float = 1
    digits: int = 3

    def cell(self, row: Mapping[str, Any], bold: bool = False) -> str:
        """``value [low, high]``; in bold where asked for and the interval excludes 0."""
        if pd.isna(row["value"]):
            return DASH
        value, low, high = (f"{row[k] * self.factor:.{self.digits}f}" for k in ("value", "low", "high"))
        text = value if pd.isna(row["low"]) else f"{value} [{low}, {high}]"
        return f"**{text}**" if bold and (row["low"] > 0 or row["high"] < 0) else text


def main_score(labels: list[str]) -> str:
    """The score that a table shows rank metrics of: by loss, which has no ties, else the first one."""
    return next((label for label in labels if label.split(":")[-1] == "loss"), labels[0])


def score_names(rows: pd.DataFrame) -> list[str]:
    """The scores that ``rows`` hold rank metrics of, the main one first."""
    labels = sorted(set(rows["estimator"].dropna()) - {REFERENCE})
    main = main_score(labels)
    return [main, *(label for label in labels if label != main)]


def quantities(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[Quantity]:
    """The columns of a study's table; the first resolution, the first k and the first searcher are the ones shown."""
    main, *_ = labels = score_names(rows)
    own, k = settings["task"]["score_truth"], settings["metrics"]["precision_at"][0]
    by_main = {"estimator": main, "truth": own}
    found = [Quantity(f"S-KdT, {label}", s_kdt(label, own, settings)) for label in labels]
    found += [
        Quantity(TAU, {**by_main, "metric": "kendall_tau"}),
        Quantity("Spearman", {**by_main, "metric": "spearman"}),
        Quantity(f"P@{100 * k:g} %", {**by_main, "metric": "precision_at_k", "resolution": k}),
    ]
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


def summarise(rows: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `supernet.report.rows` that the table shows, after their ``part``, ``label`` and ``quantity``."""
    entries = list(_entries(rows, settings))
    names = pd.DataFrame([names for names, _ in entries], columns=["part", "label", "quantity"])
    return pd.concat([names, pd.DataFrame([row for _, row in entries]).reset_index(drop=True)], axis=1)


def _entries(rows: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], pd.Series]]:
    study, columns = settings["study"], quantities(rows, settings)
    both = [*columns, *elsewhere(rows, settings)]
    whole = select(rows, seed=None)
    contrasts = [" - ".join(pair) for pair in study["contrasts"]]
    for part, names in ((METHOD, study["methods"]), (CONTRAST, contrasts)):
        for name in names:
            own = select(whole, method=name)
            if own["epoch"].notna().any():
                own = select(own, epoch=own["epoch"].max())
            for column in both:
                for _, row in select(own, **column.where).iterrows():
                    yield (part, name, column.title), row
    first, *more = study["searchers"] or [""]
    pairs = [(SEARCH, searcher) for searcher in (first, *more) if more]
    pairs += [(SEARCHES, f"{searcher} - {first}") for searcher in more]
    for part, searcher in pairs:
        for name in study["methods"]:
            for column in finds(searcher, settings["task"]["score_truth"]):
                for _, row in select(whole, method=name, **column.where).iterrows():
                    yield (part, f"{name}: {searcher}", column.title), row
    main = columns[0].where["estimator"]
    free = select(whole, estimator=REFERENCE)
    for name in dict.fromkeys(free["method"]):
        for column in columns:
            if name != TRUTH and column.where.get("estimator") == main:
                for _, row in select(free, method=name, **{**column.where, "estimator": REFERENCE}).iterrows():
                    yield (FREE, name, column.title), row
    for _, row in select(free, method=TRUTH).iterrows():
        label = row["metric"] if pd.isna(row["definition"]) else f"{row['metric']} ({row['definition']})"
        yield (FREE, label, TAU), row


def markdown(table: pd.DataFrame, rows: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """The page: what was measured, the methods beside the references, the paired contrasts, other data sets."""
    columns, others = quantities(rows, settings), elsewhere(rows, settings)
    study, task = settings["study"], settings["task"]
    level, seeds = settings["metrics"]["level"], len(settings["seeds"])
    regret = select(table, metric="regret")["definition"]
    width = settings["metrics"]["resolutions"][0]
    lines = [
        f"# {study['title']}",
        "",
        f"Task `{study['task']}`, scale `{settings['scale']}`, {seeds} seeds, {task['evaluation']} architectures.",
        f"Rankings are measured against `{task['score_truth']}` accuracy,",
        f"landmarks are ordered by `{task['order_truth']}` accuracy.",
        f"S-KdT as the paper defines it, truth in bins of {100 * width:g} % accuracy;",
        f"the other rank metrics are of `{columns[0].where['estimator']}`.",
        "Higher is better, but for regret and rank (1 = best).",
    ]
    if len(regret):
        among = _population(regret.iloc[0])
        lines.append(f"Found by {by_whom(study['searchers'][0])}; regret and rank are among the {among}.")
    lines += [
        f"Brackets: {100 * level:g} % intervals, Student's t over seeds; the best of the seeds has none;",
        "for references that need no seed, a bootstrap over architectures.",
        "",
        *_grid("method", columns, select(table, part=METHOD), bold=False),
        *_grid("reference", columns, select(table, part=FREE), bold=False)[2:],
    ]
    differences = _of(columns, select(table, part=CONTRAST))
    if len(differences):
        lines += ["", "## Contrasts", "", *_contrast_caption(differences, level, seeds), ""]
        lines += _grid("A - B", _shown(columns, differences), differences, bold=True)
    lines += _searches(table, study["searchers"], level, seeds)
    if others:
        lines += ["", "## Other data sets", "", *_other_caption(others, task), ""]
        lines += _grid("method", others, select(table, part=METHOD), bold=False)
        also = _of(others, select(table, part=CONTRAST))
        if len(also):
            lines += ["", *_contrast_caption(also, level, seeds), _together(differences, also, level), ""]
            lines += _grid("A - B", others, also, bold=True)
    lines += ["", f"Again, with all that it needs: `snakemake {settings['scale']}_study_{settings['name']}`."]
    return "\n".join(lines) + "\n"


def _searches(table: pd.DataFrame, searchers: list[str], level: float, seeds: int) -> list[str]:
    """The section of a study that compares searches with its first one."""
    searches, against = select(table, part=SEARCH), select(table, part=SEARCHES)
    if searches.empty:
        return []
    columns, intervals = finds("", ""), int(against["low"].notna().sum())
    chance = f"{intervals} intervals more, of which about {(1 - level) * intervals:.1f} would exclude 0 by chance"
    lines = ["", "## Searches", "", *_grid("method: search", columns, searches, bold=False), ""]
    lines += [f"Differences to `{searchers[0]}`, paired over the {seeds} seeds; {chance}.", ""]
    return lines + _grid("method: B - A", _shown(columns, against), against, bold=True)


def excerpt(table: pd.DataFrame) -> list[str]:
    """The contrasts of what `summarise` made, in few columns: S-KdT by the main score, and what was found."""
    differences = select(table, part=CONTRAST)
    main = [Quantity(title, {}) for title in differences["quantity"].head(1)]  # the main score is the first
    columns = _shown([*main, Quantity(FOUND, {}, 100, 2)], differences)
    return _grid("A - B", columns, differences, bold=True) if columns else []


def _shown(columns: list[Quantity], table: pd.DataFrame) -> list[Quantity]:
    return [column for column in columns if column.title in set(table["quantity"])]


def _of(columns: list[Quantity], table: pd.DataFrame) -> pd.DataFrame:
    return table[table["quantity"].isin([column.title for column in columns])]


def _population(definition: str) -> str:
    return "architectures of the whole space" if definition == "space" else "evaluation architectures"


def _contrast_caption(differences: pd.DataFrame, level: float, seeds: int) -> list[str]:
    number, intervals = differences["label"].nunique(), int(differences["low"].notna().sum())
    made = f"{number} contrast{'s' * (number > 1)}, {intervals} intervals at {100 * level:g} %"
    return [
        f"Paired differences over the {seeds} seeds, which A and B ran on the same random numbers.",
        f"{made}: were nothing true, about {(1 - level) * intervals:.1f} would exclude 0 (bold) by chance.",
    ]


def _other_caption(columns: list[Quantity], task: Mapping[str, Any]) -> list[str]:
    return [
        f"Measured by `{task['score_truth']}` accuracy on other data sets of the benchmark.",
        f"Super-nets, searches and the order of the landmarks know `{task['truth']['dataset']}` alone.",
        f"S-KdT is of `{columns[0].where['estimator']}`.",
    ]


def _together(own: pd.DataFrame, others: pd.DataFrame, level: float) -> str:
    intervals = int(own["low"].notna().sum() + others["low"].notna().sum())
    chance = f"about {(1 - level) * intervals:.1f} would exclude 0 by chance"
    return f"With those above it is {intervals} intervals, of which {chance}."


def _grid(head: str, columns: list[Quantity], table: pd.DataFrame, bold: bool) -> list[str]:
    lines = [f"| {head} | " + " | ".join(c.title for c in columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for label in dict.fromkeys(table["label"]):
        own = {row["quantity"]: row for _, row in select(table, label=label).iterrows()}
        cells = [c.cell(own[c.title], bold) if c.title in own else DASH for c in columns]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines
