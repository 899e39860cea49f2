"""The claims ledger: every published number beside ours, with a verdict by a written rule."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from supernet.errors import UserError
from supernet.report.rows import REFERENCE, select

FULL = "full"  # the scale at which a study is the paper's setting
ANY = "any"  # of what does not depend on it
EXACT = 1e-9  # a published difference below it is 0, but for rounding
PERCENT = "%"
PRINTED = {PERCENT: (100, 2), "rank": (1, 0), "count": (1, 0)}  # factor and digits of a unit
REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
HOLDS, FAILS, UNDECIDED = "direction holds", "direction fails", "undecided"
OTHER_SCALE, NOT_ATTEMPTED = "other scale", "not attempted"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, HOLDS, FAILS, UNDECIDED, OTHER_SCALE, NOT_ATTEMPTED)
COLUMNS = (
    "id", "kind", "table", "space", "dataset", "method", "setting", "metric", "definition", "unit", "value", "spread",
    "n", "study", "our_method", "our_metric", "our_definition", "our_resolution", "our_value", "our_low", "our_high",
    "our_n", "truth", "scale", "verdict", "reason", "note",
)  # fmt: skip
NUMBERS = ("value", "spread", "our_resolution", "our_value", "our_low", "our_high")
WHOLE = ("table", "n", "our_n")


@dataclass(frozen=True)
class Interval:
    """A number of ours with its bounds; NaN bounds where one seed leaves them unknown."""

    value: float
    low: float
    high: float

    def with_error(self, half: float) -> "Interval":
        """Widened by an independent error of that half-width."""
        low, high = math.hypot(self.value - self.low, half), math.hypot(self.high - self.value, half)
        return Interval(self.value, self.value - low, self.value + high)


def verdict(scale: str, contrast: bool, value: float, spread: float, ours: Interval | None) -> str:
    """What our number says of a published ``value`` ± ``spread``.

    * nothing measured: ``not attempted``;
    * at the paper's scale: ``reproduced`` where our interval overlaps value ± spread, else ``not reproduced``;
    * at another scale, of a contrast: ``direction holds`` or ``direction fails`` where our interval excludes 0 on the
      published side or on the other one, else ``undecided``, as where a published 0 has no side; a single value is
      not comparable: ``other scale``.

    Our interval is over seeds, and `join` has widened it by what the sample of architectures leaves open. Unknown
    bounds decide nothing: ``undecided``.
    """
    if ours is None:
        return NOT_ATTEMPTED
    if scale != FULL and not contrast:
        return OTHER_SCALE
    if math.isnan(ours.low) or math.isnan(ours.high):
        return UNDECIDED
    if scale == FULL:
        return REPRODUCED if ours.low <= value + spread and ours.high >= value - spread else NOT_REPRODUCED
    if ours.low <= 0 <= ours.high or abs(value) < EXACT:
        return UNDECIDED
    return HOLDS if (ours.value > 0) == (value > 0) else FAILS


def check(claims: Any, schema: Mapping[str, Any], path: str) -> None:
    """Check a claims file against the schema; ``UserError`` names the first wrong entry."""
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(claims):
        where = ".".join(map(str, error.absolute_path)) or "top level"
        raise UserError(f"{path}: {where}: {error.message}")
    entries = [*claims["claims"], *claims["contrasts"]]
    ids = [entry["id"] for entry in entries]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise UserError(f"{path}: id {twice[0]} stands twice")
    known = {claim["id"] for claim in claims["claims"]}
    for entry in entries:
        for key, names in (("definition", claims["definitions"]), ("not_attempted", claims["reasons"])):
            if key in entry and entry[key] not in names:
                raise UserError(f"{path}: {entry['id']}: {key} {entry[key]!r} is not explained at the top of the file")
        for side in ("a", "b"):
            if side in entry and entry[side] not in known:
                raise UserError(f"{path}: {entry['id']}: no claim {entry[side]!r}")


def join(
    claims: Mapping[str, Any], rows: pd.DataFrame, settings: Mapping[str, Any], facts: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """The ledger: a row a published number or contrast, with ours where a study of this scale measured it.

    ``facts``: what was counted, by the id of its claim: it is the same at every scale, and judged as at the paper's.
    ``rows``: the metrics of all these studies. ``settings``: the ``scale``, its ``studies``, the truth of each
    (``truths``), and the scales of those that answer the paper ``elsewhere`` alone.
    Values are fractions where the paper prints percent. Raises ``UserError`` where a claim names a study that does not
    answer the paper, or a number that its study lacks.
    """
    found = []
    for row, ours, absolute in _published(claims):
        measured, sampled, scale = None, 0.0, settings["scale"]
        if row["id"] in (facts or {}):
            measured, scale = dict.fromkeys(("value", "low", "high"), facts[row["id"]]), FULL
            row |= {"our_value": facts[row["id"]], "scale": ANY, "reason": "counted"}
        elif ours is not None and ours["study"] in settings["elsewhere"]:
            scales = ", ".join(settings["elsewhere"][ours["study"]]) or "none"
            row["reason"] = f"answered by the study {ours['study']} (scales: {scales})"
        elif ours is not None:
            measured, sampled = _measured(rows, ours, row["id"], settings)
            row |= {"study": ours["study"], "scale": settings["scale"], "truth": measured["truth"]}
            row |= {f"our_{key}": measured[key] for key in ("method", "metric", "definition", "resolution")}
            row |= {f"our_{key}": measured[key] for key in ("value", "low", "high", "n")}
        interval = None if measured is None else Interval(*(float(measured[k]) for k in ("value", "low", "high")))
        if interval:
            interval = interval.with_error(sampled)
        if interval and absolute and interval.value < 0:
            interval = Interval(-interval.value, -interval.high, -interval.low)
        spread = 0.0 if row["spread"] is None else row["spread"]
        row["verdict"] = verdict(scale, row["kind"] == "contrast", row["value"], spread, interval)
        found.append(row)
    table = pd.DataFrame(found).reindex(columns=list(COLUMNS))
    return table.astype({c: "float64" if c in NUMBERS else "Int64" if c in WHOLE else "str" for c in COLUMNS})


def _published(claims: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Mapping[str, Any] | None, bool]]:
    """Every entry as a row in our units, with the key of our number, and whether its absolute value is printed."""
    by_id: dict[str, dict[str, Any]] = {}
    for claim in claims["claims"]:
        definition = claims["definitions"][claim["definition"]]
        factor = 0.01 if definition["unit"] == PERCENT else 1.0
        row = {"kind": "value", **{k: claim.get(k) for k in COLUMNS if k in claim or k in ("spread", "note")}}
        row |= {"definition": definition["text"], "unit": definition["unit"], "value": claim["value"] * factor}
        row["spread"] = None if row["spread"] is None else row["spread"] * factor
        row["reason"] = claims["reasons"].get(claim.get("not_attempted"))
        by_id[claim["id"]] = row
        yield dict(row), claim.get("ours"), definition.get("absolute", False)
    for contrast in claims["contrasts"]:
        a, b = by_id[contrast["a"]], by_id[contrast["b"]]
        row = {**a, "id": contrast["id"], "kind": "contrast", "value": a["value"] - b["value"]}
        row["method"] = f"{a['method']} - {b['method']}"
        row["setting"] = a["setting"] if a["setting"] == b["setting"] else f"{a['setting']} - {b['setting']}"
        spreads = [side["spread"] for side in (a, b)]
        row["spread"] = None if None in spreads else math.hypot(*spreads)  # of independent runs: none is published
        row["reason"] = claims["reasons"].get(contrast.get("not_attempted"))
        row["note"] = contrast.get("note")
        yield row, contrast.get("ours"), False


def _measured(
    rows: pd.DataFrame, ours: Mapping[str, Any], claim: str, settings: Mapping[str, Any]
) -> tuple[pd.Series, float]:
    """The one row over seeds, at the end of training, that ``ours`` names; by the study's own truth unless it says.

    And half the width of what the sample of architectures leaves open: 0 of finds, which rank no sample, and of
    references, whose interval is that already; NaN where nobody knows.
    """
    if ours["study"] not in settings["studies"]:
        known = ", ".join([*settings["studies"], *settings["elsewhere"]])
        raise UserError(f"claim {claim}: no study {ours['study']!r} in params.yaml names this paper; known: {known}")
    where = {k: ours.get(k) for k in ("method", "estimator", "searcher", "metric", "definition", "resolution")}
    where["truth"] = ours.get("truth", settings["truths"][ours["study"]])
    every = select(rows, study=ours["study"], **where)
    if every["epoch"].notna().any():
        every = select(every, epoch=every["epoch"].max())
    found = every[every["seed"].isna()]
    if len(found) != 1:
        raise UserError(f"claim {claim}: study {ours['study']} has {len(found)} numbers {where}; correct its `ours`")
    row = found.iloc[0]
    return row, 0.0 if ours.get("estimator") in (None, REFERENCE) else float(row["sampled"])


def markdown(table: pd.DataFrame, title: str, settings: Mapping[str, Any]) -> str:
    """The page: how many of each verdict, what was answered, and what was not, by reason."""
    missing = select(table, verdict=NOT_ATTEMPTED)
    studies = ", ".join(f"`{name}`" for name in settings["studies"])
    lines = [f"# {title}", "", f"Scale `{settings['scale']}`, measured by {studies}. {counted(table)}", ""]
    lines += answered(table[table["verdict"] != NOT_ATTEMPTED])
    lines += ["", "## Not attempted", "", "| entries | tables | why, and what it would cost |", "|---|---|---|"]
    for reason, group in missing.groupby("reason", sort=False):
        tables = ", ".join(printed_in(t) for t in sorted(group["table"].unique()))
        lines.append(f"| {len(group)} | {tables} | {reason} |")
    lines += ["", f"Again, with all that it needs: `snakemake {settings['scale']}`."]
    return "\n".join(lines) + "\n"


def counted(table: pd.DataFrame) -> str:
    """How many entries there are of each verdict, as one sentence."""
    counts = [f"{n} {v}" for v in VERDICTS if (n := int((table["verdict"] == v).sum()))]
    return f"{len(table)} published numbers and gains: {', '.join(counts)}."


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The entries on which our number says something: neither absent nor of another scale."""
    return table[~table["verdict"].isin([NOT_ATTEMPTED, OTHER_SCALE])]


def printed_in(table: int) -> str:
    """The number of a paper's table; 0 is its text."""
    return str(table) if table else "text"


def answered(table: pd.DataFrame) -> list[str]:
    """Markdown of entries that have a number of ours, contrasts first; accuracies in percent, counts as they are."""
    lines = ["| table | claim | metric | published | ours | n | truth | verdict |", "|---|---|---|---|---|---|---|---|"]
    one_space = table["space"].nunique() == 1
    for _, row in table.sort_values("kind", kind="stable").iterrows():
        factor, digits = PRINTED.get(row["unit"], (1, 3))
        value, spread, own, low, high = (
            f"{row[k] * factor:.{digits}f}" for k in ("value", "spread", "our_value", "our_low", "our_high")
        )
        published = value if pd.isna(row["spread"]) else f"{value} ± {spread}"
        interval = own if pd.isna(row["our_low"]) else f"{own} [{low}, {high}]"
        note = "" if pd.isna(row["note"]) else f"; {row['note']}"
        claim = f"{'' if one_space else row['space'] + ': '}{row['method']} ({row['setting']})"
        cells = [printed_in(row["table"]), claim, row["metric"], published, interval]
        seeds = "" if pd.isna(row["our_n"]) else f"{int(row['our_n'])}"
        truth = "" if pd.isna(row["truth"]) else row["truth"]
        cells += [seeds, truth, f"**{row['verdict']}**{note}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
