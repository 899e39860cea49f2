"""A study's main numbers and curves as plain values, for tools that read no Parquet: `dvc metrics` and `dvc plots`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from supernet.report.quantities import FOUND, TAU, s_kdt, score_names
from supernet.report.rows import select
from supernet.report.summary import METHOD

EPOCH = "epoch"
DIGITS = 6  # below which platforms may differ


def numbers(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Of what `summary.summarise` made: a number a method and quantity, means over seeds.

    The quantities are the main ones of the table, by their titles there: S-KdT by the main score, Kendall's tau, and
    what was found, in percent.
    """
    shown = table[(table["part"] == METHOD) & table["value"].notna()]
    main = dict.fromkeys([*shown["quantity"].head(1), TAU], 1) | {FOUND: 100}
    found: dict[str, dict[str, float]] = {}
    for row in shown[shown["quantity"].isin(main)].to_dict("records"):
        value = round(row["value"] * main[row["quantity"]], DIGITS)
        found.setdefault(row["label"], {})[row["quantity"]] = value
    return found


def curves(rows: pd.DataFrame, settings: Mapping[str, Any]) -> list[dict[str, float | None]]:
    """S-KdT by the main score over epochs, means over seeds: an entry an epoch, with a value a method or None."""
    label, truth = score_names(rows)[0], settings["task"]["score_truth"]
    whole = select(rows, seed=None, **s_kdt(label, truth, settings))
    means = {name: select(whole, method=name).set_index(EPOCH)["value"] for name in settings["methods"]}
    epochs = sorted({int(epoch) for values in means.values() for epoch in values.index})
    values = {name: {int(e): round(v, DIGITS) for e, v in series.items()} for name, series in means.items()}
    return [{EPOCH: epoch, **{name: values[name].get(epoch) for name in means}} for epoch in epochs]
