"""`supernet score`: what a run's super-net says of some architectures, beside what is known of them."""

from typing import Annotated, Any

import typer

from supernet import metrics, published
from supernet.commands import show
from supernet.commands.options import Epoch, Estimator, Json, RunName
from supernet.report.quantities import main_score


def score(
    archs: Annotated[
        list[str], typer.Argument(help="Architectures in the field's native string, quoted.", metavar="ARCH")
    ],
    run: RunName,
    estimator: Estimator = None,
    epoch: Epoch = None,
    json: Json = False,
) -> None:
    """Score architectures with a finished run's super-net; the benchmark's truth beside it where it is known.

    Higher is better. `rank`: the place it would have among the evaluation architectures, by super-net and by truth.
    """
    found = answer(published.load(run), archs, estimator, epoch)
    if json:
        return show.as_json(found)
    print(f"{found['run']}, epoch {found['epoch']}, estimator {found['estimator']}")
    of = f" of {found['among']}" if found["among"] else ""
    show.table(
        [
            {
                "architecture": row["arch"],
                **{name: show.number(value) for name, value in row["scores"].items()},
                f"rank by {found['by']}": f"{row['rank']}{of}" if of else "–",
                f"{found['truth']} truth, %": show.percent(row["truth"]),
                "true rank": f"{row['true_rank']}{of}" if row["true_rank"] else "–",
            }
            for row in found["architectures"]
        ]
    )
    return None


def answer(run: published.Run, archs: list[str], estimator: str | None, epoch: int | None) -> dict[str, Any]:
    """Scores, truth (a fraction, or NaN) and ranks among the stored scores of the evaluation set, 1 = best."""
    table = run.score(archs, estimator=estimator, epoch=epoch)
    names = [name for name in table if name != "arch"]
    by, truth = main_score(names), run.truth()
    never = not run.is_scored(estimator)  # a run that the pipeline did not score: then there is no rank
    stored = table[:0] if never else run.stored_scores(estimator=estimator, epoch=epoch)
    known = truth.reindex(stored["arch"]).dropna() if len(stored) else truth[:0]
    rows = []
    for row in table.to_dict("records"):
        true = truth.get(row["arch"])
        rows.append(
            {
                "arch": row["arch"],
                "scores": {name: row[name] for name in names},
                "rank": metrics.rank_of(row[by], stored[by]) if len(stored) else None,
                "truth": true,
                "true_rank": metrics.rank_of(true, known) if len(known) and true is not None else None,
            }
        )
    return {
        "run": run.name,
        "epoch": run.epochs[-1] if epoch is None else epoch,
        "estimator": estimator or run.default_estimator,
        "by": by,
        "truth": run.params.tasks[run.task].score_truth,
        "among": len(stored),
        "architectures": rows,
    }
