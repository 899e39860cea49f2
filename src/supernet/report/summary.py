"""The table of a study: a row a method or reference, then the paired contrasts, then the same on other data sets.

As Parquet rows and as Markdown.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from supernet.report import estimator_table, factors, window
from supernet.report.grid import grid, having, section, shown
from supernet.report.quantities import (
    FOUND,
    TAU,
    Quantity,
    by_whom,
    elsewhere,
    finds,
    quantities,
    ranked,
)  # fmt: skip
from supernet.report.references import TRUTH
from supernet.report.rows import NAN, REFERENCE, select
from supernet.report.selection import IMPROVEMENT
from supernet.report.whole import MEAN, ONE, REGRET, SIZES, SPREAD, SUBSETS

METHOD, FREE, CONTRAST, SEARCH, SEARCHES = "method", "reference", "contrast", "search", "search contrast"
EFFECT, INTERACTION, CHOICE, SAMPLE, CURVE, SIGNAL = "effect", "interaction", "choice", "sample", "curve", "signal"

SAMPLED = (
    f"Standard deviation of S-KdT over {SUBSETS} random sets of architectures: of one seed, mean over the seeds; and of"
    " the mean of all seeds on the same sets, as tables print it. Of a difference on the same sets too."
)
CURVES = (
    "The run that is not split, at its checkpoints: is there a marker of when to split? Agreement is 1 for"
    " architectures that no split would part."
)
SPLIT = (
    f"What splitting where a signal says gains over the split nearest to {100 * window.FIXED:g} % of the epochs, and"
    " how much later it is, paired over the seeds. Signals look ahead: they are read off all of the run not split."
)
SPREADS = [
    Quantity(definition.format(size), {"metric": SPREAD, "definition": definition.format(size)})
    for definition in (ONE, MEAN)
    for size in SIZES
]
GAINS = [
    Quantity(f"gain, {TAU}", {"metric": window.GAIN, "definition": "kendall_tau"}),
    Quantity("gain, improvement", {"metric": window.GAIN, "definition": IMPROVEMENT}),
    Quantity("epochs later", {"metric": window.LATER, "definition": "kendall_tau"}, 1, 1),
]


OTHERS = "± other architectures"
WIDER = f"{OTHERS}: half the width of a bootstrap over architectures, of the mean over seeds."
BOLD = f"{OTHERS}: the same ones for both sides. Bold: excludes 0 with both errors, where this one is known."


def summarise(rows: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `supernet.report.rows` that the table shows, after their ``part``, ``label`` and ``quantity``."""
    entries = list(_entries(rows, settings))
    names = pd.DataFrame([names for names, _ in entries], columns=["part", "label", "quantity"])
    return pd.concat([names, pd.DataFrame([row for _, row in entries]).reset_index(drop=True)], axis=1)


def _entries(rows: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], pd.Series]]:
    study, columns = settings["study"], _columns(rows, settings)
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
                    yield (part, name, column.title), _sampled(row) if column.title == OTHERS else row
    if "factorial" in settings:
        yield from _effects(whole, settings)
    for name in [*study["methods"], *contrasts]:
        for column in SPREADS:
            for _, row in select(whole, method=name, **column.where).iterrows():
                yield (SAMPLE, name, column.title), row
    if study.get("signals"):
        unsplit = next(method["start"] for method in settings["methods"].values() if method.get("start"))
        for epoch, own in select(whole, method=unsplit).groupby("epoch"):
            for column in window.watched(rows):
                for _, row in select(own, **column.where).iterrows():
                    yield (CURVE, f"{epoch:g}", column.title), row
    for name in window.LABELS:
        for column in GAINS:
            for _, row in select(whole, method=name, **column.where).iterrows():
                yield (SIGNAL, name, column.title), row
    if study.get("criteria"):
        yield from estimator_table.entries(whole, settings)
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
            if name != TRUTH and column.title != OTHERS and column.where.get("estimator") == main:
                for _, row in select(free, method=name, **{**column.where, "estimator": REFERENCE}).iterrows():
                    yield (FREE, name, column.title), row
    for _, row in select(free, method=TRUTH).iterrows():
        label = row["metric"] if pd.isna(row["definition"]) else f"{row['metric']} ({row['definition']})"
        yield (FREE, label, TAU), row


def _columns(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[Quantity]:
    """Those of `quantities`, and beside S-KdT by the main score what other architectures would change."""
    return _with_others(quantities(rows, settings))


def _with_others(columns: list[Quantity]) -> list[Quantity]:
    first, *rest = columns
    return [first, Quantity(OTHERS, first.where), *rest]


def _sampled(row: pd.Series) -> pd.Series:
    return pd.Series({**row, "value": row["sampled"], "low": NAN, "high": NAN})


def _effects(whole: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], pd.Series]]:
    """The effects of factors, of pairs of them, and of the choices that need no training."""
    names = settings["factorial"]["factors"]
    terms = [(EFFECT, name) for name in names] + [
        (INTERACTION, a + factors.PAIR + b) for a, b in combinations(names, 2)
    ]
    for part, name in terms:
        for column in _with_others(factors.outcomes(whole, settings)):
            for _, row in select(whole, method=factors.EFFECT.format(name), **column.where).iterrows():
                yield (part, name, column.title), _sampled(row) if column.title == OTHERS else row
    for _, row in whole[whole["method"].str.startswith(factors.CHOICE)].iterrows():
        quantity = "difference, %" if row["metric"] == "found_accuracy" else "difference"
        yield (CHOICE, row["method"].removeprefix(factors.CHOICE), quantity), row


def markdown(table: pd.DataFrame, rows: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """The page: what was measured, the methods beside the references, the paired contrasts, other data sets."""
    columns, others = _columns(rows, settings), elsewhere(rows, settings)
    study, task = settings["study"], settings["task"]
    level, seeds = settings["metrics"]["level"], len(settings["seeds"])
    regret = select(table, metric="regret")["definition"]
    width = settings["metrics"]["resolutions"][0]
    lines = [
        f"# {study['title']}",
        "",
        f"Task `{study['task']}`, scale `{settings['scale']}`, {seeds} seeds, {task['evaluation']} architectures.",
        *_truths(settings),
        f"S-KdT as the paper defines it, truth in bins of {100 * width:g} % accuracy;",
        f"the other rank metrics are of `{ranked(rows)}`{_untaught(rows)}.",
        "Higher is better, but for regret and rank (1 = best).",
    ]
    if len(regret):
        among = _population(regret.iloc[0])
        lines.append(f"Found by {by_whom(study['searchers'][0])}; regret and rank are among the {among}.")
    lines += [
        f"Brackets: {100 * level:g} % intervals, Student's t over seeds; the best of the seeds has none;",
        "for references that need no seed, a bootstrap over architectures.",
        WIDER,
        "",
        *grid("method", columns, select(table, part=METHOD), bold=False),
        *grid("reference", columns, select(table, part=FREE), bold=False)[2:],
    ]
    if "factorial" in settings:
        lines += _factors(table, rows, settings)
    differences = having(columns, select(table, part=CONTRAST))
    if len(differences):
        lines += ["", "## Contrasts", "", *_contrast_caption(differences, level, seeds), ""]
        lines += grid("A - B", shown(columns, differences), differences, bold=True)
    lines += section("Sample size", SAMPLED, "S-KdT of", SPREADS, select(table, part=SAMPLE), bold=False)
    curve = select(table, part=CURVE)
    lines += section("Before a split", CURVES, "epoch", shown(window.watched(rows), curve), curve, bold=False)
    lines += section("When to split", SPLIT, "split at", GAINS, select(table, part=SIGNAL), bold=True)
    if study.get("criteria"):
        lines += estimator_table.sections(table, settings)
    lines += _searches(table, study["searchers"], level, seeds)
    if others:
        lines += ["", "## Other data sets", "", *_other_caption(others, task), ""]
        lines += grid("method", others, select(table, part=METHOD), bold=False)
        also = having(others, select(table, part=CONTRAST))
        if len(also):
            lines += ["", *_contrast_caption(also, level, seeds), _together(differences, also, level), ""]
            lines += grid("A - B", others, also, bold=True)
    lines += ["", f"Again, with all that it needs: `snakemake {settings['scale']}_study_{settings['name']}`."]
    return "\n".join(lines) + "\n"


def _untaught(rows: pd.DataFrame) -> str:
    """How many architectures the whole space has left, where that is what rank metrics are of."""
    single = rows[rows["seed"].notna()]  # of others, n is a number of seeds
    among = select(single, estimator=ranked(rows), metric=REGRET)["n"]
    if among.empty:
        return ""
    return f", of all architectures but the landmarks of every method (at least {among.min():g}), where none is named"


def _factors(table: pd.DataFrame, rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[str]:
    """The sections of a factorial: what each factor does, what two do together, what needs no training."""
    columns = _with_others(factors.outcomes(rows, settings))
    level, design = settings["metrics"]["level"], settings["factorial"]
    seeds, once = len(settings["seeds"]), ", ".join(f"`{name}`" for name in design["once_a_seed"]) or "none"
    interactions, choices = select(table, part=INTERACTION), select(table, part=CHOICE)
    name, methods, together = design["name"], len(design["levels"]), f"{100 * level:g} %"
    difference = [Quantity("difference", {}), Quantity("difference, %", {}, 100, 2)]
    return [
        "",
        "## Effects",
        "",
        f"Level 1 less level 0 of each factor of `{name}`, the others balanced: {methods} methods, {seeds} seeds.",
        f"Brackets: Student's t over seeds; the {len(design['factors'])} intervals of a column together hold at"
        f" {together} (Bonferroni). What is drawn once a seed, with an error of its own: {once}.",
        BOLD,
        "",
        *grid("factor", columns, select(table, part=EFFECT), bold=True),
        "",
        "Interactions, at the level of the effects; no correction counts these"
        f" {interactions['low'].notna().sum()} intervals:",
        "",
        *grid("two factors", columns, interactions, bold=True),
        "",
        "The same super-nets, measured otherwise, means of all methods; these"
        f" {choices['label'].nunique()} intervals together hold at {together}:",
        "",
        *grid("choice", shown(difference, choices), choices, bold=True),
    ]


def _truths(settings: Mapping[str, Any]) -> list[str]:
    """What rankings are measured against, and which truth orders the landmarks, if there are any."""
    methods, task = settings["methods"], settings["task"]
    measured = f"Rankings are measured against `{task['score_truth']}` accuracy"
    if not any(method["landmarks"] for method in methods.values()):
        return [f"{measured}."]
    ordered = f"landmarks are ordered by `{task['order_truth']}` accuracy"
    if others := [name for name in settings["study"]["methods"] if methods[name].get("order_truth")]:
        ordered += f", but those of {', '.join(others)} by `{methods[others[0]]['order_truth']}`"
    return [f"{measured},", f"{ordered}."]


def _searches(table: pd.DataFrame, searchers: list[str], level: float, seeds: int) -> list[str]:
    """The section of a study that compares searches with its first one."""
    searches, against = select(table, part=SEARCH), select(table, part=SEARCHES)
    if searches.empty:
        return []
    columns, intervals = finds("", ""), int(against["low"].notna().sum())
    chance = f"{intervals} intervals more, of which about {(1 - level) * intervals:.1f} would exclude 0 by chance"
    lines = ["", "## Searches", "", *grid("method: search", columns, searches, bold=False), ""]
    lines += [f"Differences to `{searchers[0]}`, paired over the {seeds} seeds; {chance}.", ""]
    return lines + grid("method: B - A", shown(columns, against), against, bold=True)


def excerpt(table: pd.DataFrame) -> list[str]:
    """The contrasts of what `summarise` made, in few columns: S-KdT by the main score, and what was found."""
    differences = select(table, part=CONTRAST)
    main = [Quantity(title, {}) for title in differences["quantity"].head(1)]  # the main score is the first
    columns = shown([*main, Quantity(FOUND, {}, 100, 2)], differences)
    if not columns and len(effects := select(table, part=EFFECT)):
        titles = dict.fromkeys(effects["quantity"])
        columns = [Quantity(title, {}, 100, 2) if ", %" in title else Quantity(title, {}) for title in titles]
        return grid("level 1 - level 0", columns, effects, bold=True)
    return grid("A - B", columns, differences, bold=True) if columns else []


def _population(definition: str) -> str:
    return "architectures of the whole space" if definition == "space" else "evaluation architectures"


def _contrast_caption(differences: pd.DataFrame, level: float, seeds: int) -> list[str]:
    number, intervals = differences["label"].nunique(), int(differences["low"].notna().sum())
    made = f"{number} contrast{'s' * (number > 1)}, {intervals} intervals at {100 * level:g} %"
    return [
        f"Paired differences over the {seeds} seeds, which A and B ran on the same random numbers.",
        f"{made}: were nothing true, about {(1 - level) * intervals:.1f} would exclude 0 by chance.",
        BOLD,
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
