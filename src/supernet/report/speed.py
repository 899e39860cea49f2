"""What `supernet.bench` measured, as Markdown: the page of all numbers, and the README's excerpt."""

from typing import Any

DASH = "–"
HEAD = "| case | cells | batch | images/s | GFLOP/s | of attainable | ratio | to | convolutions alone | target | MB |"


def table(content: dict[str, Any]) -> str:
    """``bench.json`` as a page: a line a number, with its target and whether it is met."""
    lines = [_machine(content), "", HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    for row in content["rows"]:
        images = f"{row['images'] / row['seconds']:,.0f}" if row.get("images") else DASH
        gflops = f"{row['gflops']:.0f}" if row.get("gflops") else DASH
        share = f"{row['gflops'] / row['attainable_gflops']:.0%}" if row.get("gflops") else DASH
        bound = f"{row['bound']:.3g}" if row["bound"] else DASH
        cells = (
            row["case"], row["cells"] or DASH, row["batch"], images, gflops, share, f"{row['ratio']:.3g}",
            row["against"], bound, target(row), row.get("peak_memory_mb") or DASH,
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def excerpt(content: dict[str, Any]) -> str:
    """The ratios that have a target."""
    lines = ["| case | cells | batch | ratio | convolutions alone | target |", "|---|---|---|---|---|---|"]
    for row in content["rows"]:
        if row["target"] is not None:
            ratio, bound = f"{row['ratio']:.2f} × {row['against']}", f"{row['bound']:.2f}" if row["bound"] else DASH
            lines.append(f"| {row['case']} | {row['cells']} | {row['batch']} | {ratio} | {bound} | {target(row)} |")
    return "\n".join([*lines, "", _machine(content)])


def target(row: dict[str, Any]) -> str:
    """``≤ 1.8, met``: what a row's ratio should be, and whether it is; a dash without a target."""
    if row["target"] is None:
        return DASH
    larger = row.get("larger_is_better", False)
    met = row["ratio"] >= row["target"] if larger else row["ratio"] <= row["target"]
    return f"{'≥' if larger else '≤'} {row['target']}, {'met' if met else '**missed**'}"


def _machine(content: dict[str, Any]) -> str:
    machine = content["machine"]
    return (
        f"One thread of {machine['processor']}, torch {machine['torch']}; ratios of times taken in turns. The floor is "
        "the time of the convolutions alone, each by itself; *convolutions alone* is the ratio of floors."
    )
