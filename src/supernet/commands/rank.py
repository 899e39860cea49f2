"""`supernet rank`: the best architectures by a run's super-net, and how well it ranks."""

import math
from typing import Annotated, Any, Literal

import typer

from supernet import metrics, published
from supernet.commands import show
from supernet.commands.options import Epoch, Estimator, Json, RunName
from supernet.errors import UserError
from supernet.report.quantities import main_score


def rank(
    run: RunName,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    among: Annotated[
        Literal["evaluation", "space"],
        typer.Option(help="`evaluation`: stored scores, at once, no weights. `space`: score every one, minutes."),
    ] = "evaluation",
    by: Annotated[
        str | None, typer.Option(help="Which score ranks; by default `loss`, which ties less than accuracy.")
    ] = None,
    estimator: Estimator = None,
    epoch: Epoch = None,
    json: Json = False,
) -> None:
    """The best architectures by a finished run's super-net, with their truth, and the super-net's S-KdT."""
    found = answer(published.load(run), top, among, by, estimator, epoch)
    if json:
        return show.as_json(found)
    print(f"{found['run']}, epoch {found['epoch']}, estimator {found['estimator']}, by {found['by']}")
    show.table(
        [
            {
                "rank": str(row["rank"]),
                "architecture": row["arch"],
                found["by"]: show.number(row["score"]),
                f"{found['truth']} truth, %": show.percent(row["truth"]),
                "true rank": str(row["true_rank"] or "–"),
            }
            for row in found["top"]
        ]
    )
    if found["s_kdt"] is None:
        print(f"\n{found['n']} architectures; the truth of too few of them is known for an S-KdT.")
    elif math.isnan(found["s_kdt"]):
        print(f"\nAll scores, or all truths, of {found['known']} architectures are equal: no S-KdT is defined.")
    else:
        width, of = 100 * found["resolution"], f"{found['known']} of {found['n']} architectures with known truth"
        print(f"\nS-KdT {found['s_kdt']:.3f} (as the paper defines it, bins of {width:g} %), Kendall tau", end=" ")
        print(f"{found['kendall_tau']:.3f}; over {of}.")
    return None


def answer(
    run: published.Run, top: int, among: str, by: str | None, estimator: str | None, epoch: int | None
) -> dict[str, Any]:
    """The ``top`` best among the evaluation set or the whole space, ties in the order of the set; ranks 1 = best."""
    if among == "space":
        table = run.score(run.whole_space(), estimator=estimator, epoch=epoch)
        reached = run.epochs[-1] if epoch is None else epoch
    else:
        table = run.stored_scores(estimator=estimator, epoch=epoch)
        reached = table.attrs["epoch"]
    names = [name for name in table if name != "arch"]
    by = by or main_score(names)
    if by not in names:
        raise UserError(f"--by {by}: the estimator has no such score; known: {', '.join(names)}")
    truth = run.truth().reindex(table["arch"])
    table = table.assign(truth=truth.to_numpy()).sort_values(by, ascending=False, kind="stable")
    known, width = table.dropna(subset="truth"), run.params.metrics.resolutions[0]
    both = (known["truth"].to_numpy(), known[by].to_numpy())
    found = {
        "run": run.name,
        "epoch": reached,
        "estimator": estimator or run.default_estimator,
        "by": by,
        "among": among,
        "n": len(table),
        "known": len(known),
        "truth": run.params.tasks[run.task].score_truth,
        "s_kdt": metrics.sparse_kendall_tau(*both, resolution=width) if len(known) > 1 else None,
        "kendall_tau": metrics.kendall_tau(*both) if len(known) > 1 else None,
        "resolution": width,
    }
    rows = table.head(top).to_dict("records")
    return found | {
        "top": [
            {
                "rank": metrics.rank_of(row[by], table[by]),
                "arch": row["arch"],
                "score": row[by],
                "truth": row["truth"],
                "true_rank": metrics.rank_of(row["truth"], known["truth"]) if row["truth"] == row["truth"] else None,
            }
            for row in rows
        ]
    }
