"""Rank quality against seconds: every estimator of a task, by what it costs to rank the evaluation set with it.

Costs differ from run to run, so no file builds on it.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from supernet import criteria, metrics, paths, records, runs, spaces
from supernet.config import Config
from supernet.errors import UserError
from supernet.report import costs
from supernet.report.estimators import votes
from supernet.report.looks import COLOURS, GREY, MARKERS, STYLE
from supernet.report.quantities import DASH, Quantity, main_score
from supernet.report.references import PARAMETERS, counted
from supernet.report.rows import interval
from supernet.sections import Method, TableTruth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FREE, TAUGHT, SPLIT, PLAIN = "without training", "with landmarks", "weights split or chosen", "one-shot"
FREE_OF_TRAINED = "the same on a super-net's weights"
COLUMNS = [
    Quantity("Kendall tau", {"metric": "tau"}),
    Quantity("P@top 5 %", {"metric": "precision"}),
    Quantity("regret, %", {"metric": "regret"}, 100, 2),
]
TOP = 0.05


class Subject(NamedTuple):
    """Scores of one estimator at the end of the runs of one method, and what they cost."""

    method: str
    label: str
    scores: Mapping[str, np.ndarray]
    seconds: float


def table(config: Config, scale: str, task: str) -> pd.DataFrame:
    """A row a method and score, the best first: mean and t interval of each of `COLUMNS`, over the seeds of a study.

    ``seconds`` of a core, medians over the seeds: of training, and of scoring the evaluation set once; ``landmarks``:
    those of their stand-alone training, measured or estimated (`costs.estimated`), NaN without landmarks. Regret is of
    taking the best-scored of the evaluation set, against the best of it. Raises ``UserError`` where a file is missing.
    """
    where, asked = {"scale": scale, "task": task}, _runs(config, scale, task)
    truth = records.read_table(paths.TRUTH.format(**where, set=paths.EVALUATION)).set_index("arch")
    truth = truth[config.tasks[task].score_truth]
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for method, seed in asked:
        for one in _subjects(config, where, method, seed, truth.index):
            row = {name: f(truth.to_numpy(), one.scores[one.label]) for name, f in MEASURES.items()}
            row |= {"seconds": one.seconds, "landmarks": _landmarks(config, where, method, seed)}
            found.setdefault((method, one.label), []).append(row)
    rows = []
    for (method, label), each in found.items():
        runs_of = pd.DataFrame(each)
        row = {"method": method, "score": label, "family": family(config.methods[method], label), "n": len(runs_of)}
        for name in MEASURES:
            one = interval(runs_of[name], config.metrics.level)
            row |= {name: one["value"], f"{name}_low": one["low"], f"{name}_high": one["high"]}
        rows.append(row | runs_of[["seconds", "landmarks"]].median().to_dict())
    return pd.DataFrame(rows).sort_values("tau", ascending=False, ignore_index=True)


MEASURES = {
    "tau": metrics.kendall_tau,
    "precision": lambda truth, score: metrics.precision_at_k(truth, score, TOP),
    "regret": lambda truth, score: criteria.regret_at_k(truth, score, 1),
}


def family(method: Method, score: str) -> str:
    """What kind of estimator a score of a method is, for colours; scores by loss are those of paths."""
    if not method.train.epochs:
        return FREE
    if not score.endswith((":loss", ":accuracy")):
        return FREE_OF_TRAINED
    if method.landmarks is not None:
        return TAUGHT
    return PLAIN if method.net.sharing in ("one_shot", "node_shared") and method.net.edge is None else SPLIT


def _runs(config: Config, scale: str, task: str) -> list[tuple[str, int]]:
    """Methods and seeds of all studies of the scale on the task; of a method, those of the study with most seeds."""
    here = {name: study for name, study in config.studies.items() if scale in study.scales and study.task == task}
    if not here:
        raise UserError(f"params.yaml: studies: none of scale {scale} is on task {task}")
    seeds: dict[str, list[int]] = {}
    for name, study in here.items():
        for method in study.methods:
            seeds[method] = max(seeds.get(method, []), runs.seeds_of(config, name), key=len)
    return [(method, seed) for method, own in seeds.items() for seed in own]


def _subjects(config: Config, where: Mapping[str, str], method: str, seed: int, archs: pd.Index) -> Iterator[Subject]:
    chosen = config.methods[method]
    asked = [s for s in config.studies.values() if where["scale"] in s.scales and method in s.methods]
    asked = [study for study in asked if study.task == where["task"] and seed in (study.seeds or config.seeds)]
    estimators = dict.fromkeys(e for s in asked for e in s.estimators if config.estimators[e].archs == paths.EVALUATION)
    segments = [{**where, "method": owner, "seed": seed, "iteration": i} for owner, i in runs.segments(chosen, method)]
    trained = [paths.WEIGHTS.format(**segment) for segment in segments if chosen.train.epochs]
    trained += costs.on_the_way(config, chosen, method, {**where, "seed": seed})
    training = sum(map(_seconds, dict.fromkeys(trained)))
    scores: dict[str, np.ndarray] = {}
    spent: dict[str, float] = {}
    for estimator in estimators:
        path = paths.SCORES.format(**segments[-1], estimator=estimator)
        rows = records.read_table(path)
        last = rows[rows["epoch"] == rows["epoch"].max()].set_index("arch").drop(columns="epoch").loc[archs]
        spent[estimator] = _seconds(path) / rows["epoch"].nunique()
        own = {f"{estimator}:{name}": column.to_numpy() for name, column in last.items()}
        scores |= own
        shown = [main_score([*own])] if f"{estimator}:loss" in own else [*own]
        for label in shown:
            yield Subject(method, label, scores, training + spent[estimator])
    for labels in {tuple(labels): None for study in asked for labels in study.vote}:
        voted = votes(scores, [labels])
        cost = sum(spent[name] for name in {label.partition(":")[0] for label in labels})
        yield Subject(method, *voted, voted, training + cost)


def _landmarks(config: Config, where: Mapping[str, str], method: str, seed: int) -> float:
    chosen, task = config.methods[method], config.tasks[where["task"]]
    files = runs.landmark_files(chosen, method, paths.TRUTH, dict(where), seed, chosen.iterations)
    if not files:
        return float("nan")
    if isinstance(task.truth, TableTruth):
        order = runs.order_truth(task, chosen)
        return 3600 * costs.estimated(config, where["scale"], where["task"], files, order)
    return sum(map(_seconds, files))


def _seconds(output: str) -> float:
    return records.core_seconds(paths.costs(output))


def page(rows: pd.DataFrame, config: Config, scale: str, task: str) -> str:
    """The table as Markdown."""
    lines = [
        f"# Rank quality against seconds: {task}",
        "",
        f"Scale `{scale}`, {config.tasks[task].evaluation} architectures. Seconds of a core, medians: training, with",
        "the searches that it waits for, and scoring them once; the scores of one estimator are computed together.",
        "Landmarks: seconds of their stand-alone training, an estimate where their truth is looked up",
        "(`supernet costs` says how it is made).",
        "Regret: what the best-scored architecture lacks to the best of the set. Brackets: Student's t over n seeds.",
        "",
        "| method: score | " + " | ".join(c.title for c in COLUMNS) + " | seconds | landmarks | n |",
        "|---" * (len(COLUMNS) + 4) + "|",
    ]
    for row in rows.to_dict("records"):
        cells = []
        for column in COLUMNS:
            name = column.where["metric"]
            cells.append(column.cell({"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}))
        landmarks = DASH if pd.isna(row["landmarks"]) else f"{row['landmarks']:.3g}"
        cells += [f"{row['seconds']:.3g}", landmarks, str(row["n"])]
        lines.append(f"| {row['method']}: {row['score']} | {' | '.join(cells)} |")
    lines += ["", f"Again: `supernet quality --scale {scale} --task {task}`."]
    return "\n".join(lines) + "\n"


def draw(rows: pd.DataFrame, config: Config, scale: str, task: str) -> "Figure":
    """`COLUMNS` over seconds, a point a score; hollow with the landmarks' own training; names along the front.

    The names leave out the score that most have.
    """
    import matplotlib
    from matplotlib.figure import Figure

    space, chosen = spaces.load(config.tasks[task].space), config.tasks[task]
    truth = records.read_table(paths.TRUTH.format(scale=scale, task=task, set=paths.EVALUATION)).set_index("arch")
    truth = truth[chosen.score_truth]
    common = rows["score"].mode()[0]
    parameters = counted(space, truth.index, chosen.width, chosen.cells)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.6 * len(COLUMNS), 4.6))
        axes = figure.subplots(1, len(COLUMNS))
        for axis, column in zip(axes, COLUMNS, strict=True):
            name, factor = column.where["metric"], column.factor
            free = factor * MEASURES[name](truth.to_numpy(), parameters)
            axis.axhline(free, color=GREY, linestyle="--", linewidth=1, label=f"counting {PARAMETERS}")
            for i, kind in enumerate((FREE, PLAIN, SPLIT, TAUGHT, FREE_OF_TRAINED)):
                own, look = rows[rows["family"] == kind], {"color": COLOURS[i + 1], "marker": MARKERS[i], "s": 22}
                if own.empty:
                    continue
                axis.scatter(own["seconds"], factor * own[name], **look, label=kind, alpha=0.8, linewidth=0)
                paid = own.dropna(subset="landmarks")
                if len(paid):
                    look |= {"facecolor": "none", "edgecolor": look.pop("color"), "linewidth": 0.8}
                    x = paid["seconds"] + paid["landmarks"]
                    axis.scatter(x, factor * paid[name], **look, label="and their stand-alone training")
            for row in front(rows, name, best="low" if name == "regret" else "high"):
                label = row["method"] if row["score"] == common else f"{row['method']}: {row['score']}"
                where = {"textcoords": "offset points", "fontsize": 6.5}
                axis.annotate(label, (row["seconds"], factor * row[name]), (3, 4), **where)
            axis.set(xscale="log", xlabel="seconds on one core", title=column.title)
            if name == "regret":  # some are a hundred times the others
                axis.set_yscale("symlog", linthresh=1)
                axis.set_ylim(-0.15, 100)
                axis.yaxis.set_major_formatter("{x:g}")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def front(rows: pd.DataFrame, name: str, best: str) -> list[dict[str, Any]]:
    """The rows that no cheaper one equals in ``name``, from the cheapest; landmarks not counted."""
    sign, kept, reached = (1 if best == "high" else -1), [], -np.inf
    for row in rows.sort_values(["seconds", name], ascending=[True, best == "low"]).to_dict("records"):
        if sign * row[name] > reached:
            reached = sign * row[name]
            kept.append(row)
    return kept
