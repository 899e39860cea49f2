"""params.yaml -> jobs. What depends on what is said here once: Snakemake's rules and the command line both ask here.

Every function takes the configuration and the wildcards of a path in `supernet.paths` and returns the `Job` that
makes the file.
"""

import dataclasses
import math
from typing import Any

from supernet import paths, runs
from supernet.config import POOLED, Config, Plugin, Task
from supernet.errors import UserError
from supernet.job import Job
from supernet.settings import StandaloneTruth


def data(config: Config, *, scale: str, data: str) -> Job:
    """Images of a data set at this scale's size, in named splits."""
    chosen = _get(config.data, data, "data")
    return Job(
        stage="data",
        settings=_dump(chosen),
        outputs={"data": paths.DATA.format(scale=scale, data=data)},
        plugins=(f"supernet.datasets.{chosen.kind}",),
    )


def table(config: Config, *, scale: str, table: str) -> Job:
    """A benchmark's table in the common schema."""
    chosen = _get(config.tables, table, "tables")
    return Job(
        stage="table",
        settings=_dump(chosen),
        outputs={"table": paths.TABLE.format(scale=scale, table=table)},
        plugins=(f"supernet.tables.{chosen.kind}",),
    )


def archs(config: Config, *, scale: str, task: str, set: str) -> Job:
    """A set of architectures: the evaluation set, first landmarks, landmarks added by a search, or what one found."""
    chosen = _get(config.tasks, task, "tasks")
    where = {"scale": scale, "task": task}
    output = {"archs": paths.ARCHS.format(**where, set=set)}
    space = f"supernet.spaces.{chosen.space}"
    evaluation = paths.ARCHS.format(**where, set=paths.EVALUATION)
    match set.split("/"):
        case ["evaluation"]:
            settings = {"space": chosen.space, "count": chosen.evaluation}
            return Job("evaluation", settings, output, plugins=(space,))
        case ["space"]:
            return Job("space", {"space": chosen.space}, output, plugins=(space,))
        case ["landmarks", name, seed]:
            how = _get(config.landmarks, name, "landmarks")
            settings = {"space": chosen.space, "seed": _number(seed), **_dump(how)}
            return Job("landmarks", settings, output, {"evaluation": evaluation}, (space,))
        case ["additions", name, seed, iteration]:
            method = _get(config.methods, name, "methods")
            at = {**where, "method": name, "seed": _number(seed), "iteration": _number(iteration)}
            disputed = method.added == "disputed"
            template = paths.TRUTH if disputed else paths.ARCHS
            inputs = {
                "search": paths.SEARCH.format(**at, searcher=method.searcher),
                "evaluation": evaluation,
                "landmarks": runs.landmark_files(method, name, template, where, at["seed"], at["iteration"]),
            }
            settings: dict[str, Any] = {"count": method.additions}
            if disputed:
                settings |= {"disputed": True, "space": chosen.space, "order_truth": runs.order_truth(chosen, method)}
            return Job("additions", settings, output, inputs, (space,) if disputed else ())
        case ["found", name, searcher, seed]:
            last = _get(config.methods, name, "methods").iterations
            at = {**where, "method": name, "searcher": searcher, "seed": _number(seed), "iteration": last}
            return Job("additions", {"count": 1}, output, {"search": paths.SEARCH.format(**at)})
    raise UserError(f"{output['archs']}: no such set of architectures; see supernet.paths")


def truth(config: Config, *, scale: str, task: str, set: str) -> Job:
    """Stand-alone performance of a set of architectures: looked up, or trained.

    Landmarks are trained with the first of the truth's seeds alone, which is what a user would pay for; what
    measures, the evaluation set and what a search found, with all of them. Looked up, these two get the truths of
    other data sets too, and what was found its standing in the whole space.
    """
    chosen = _get(config.tasks, task, "tasks")
    where = {"scale": scale, "task": task, "set": set}
    outputs = {"truth": paths.TRUTH.format(**where)}
    inputs = {"archs": paths.ARCHS.format(**where)}
    teaches = set.startswith(("landmarks/", "additions/"))
    if isinstance(chosen.truth, StandaloneTruth):
        if set == paths.SPACE:
            raise UserError(f"params.yaml: tasks.{task}.truth: nobody trains a whole space; name a table")
        seeds = chosen.truth.seeds[:1] if teaches else chosen.truth.seeds
        trained = {**_dump(chosen.truth), "seeds": seeds}
        settings = {**_net(chosen), **_machine(config), "truth": trained}
        inputs["data"] = paths.DATA.format(scale=scale, data=chosen.data)
        return Job("standalone", settings, outputs, inputs, (f"supernet.spaces.{chosen.space}",))
    inputs["table"] = paths.TABLE.format(scale=scale, table=chosen.truth.table)
    settings = {"dataset": chosen.truth.dataset, "epochs": chosen.truth.epochs}
    settings |= {"also": chosen.truth.also} if chosen.truth.also and not teaches else {}
    if set.startswith("found/"):
        settings["standing"] = True
    return Job("lookup", settings, outputs, inputs)


def train(config: Config, *, scale: str, task: str, method: str, seed: int, iteration: int) -> Job:
    """One segment of a super-net's training: the warm-up (iteration 0) or a regularised iteration."""
    chosen_task, chosen = _get(config.tasks, task, "tasks"), _get(config.methods, method, "methods")
    where = {"scale": scale, "task": task}
    at = {**where, "method": method, "seed": seed, "iteration": iteration}
    if not 0 <= iteration <= chosen.iterations or chosen.segment(iteration)[1] == 0:
        raise UserError(f"methods.{method}: has no iteration {iteration}")
    settings = {
        **_net(chosen_task),
        **_machine(config),
        "order_truth": runs.order_truth(chosen_task, chosen),
        "method": _plugin(chosen),
        "net": _dump(chosen.net),
        "train": _dump(chosen.train),
        "epochs": list(chosen.segment(iteration)),
        "seed": seed,
    }
    if (processes := math.gcd(config.processes, chosen.train.slices)) > 1:
        settings["processes"] = processes
    inputs: dict[str, str | list[str]] = {"data": paths.DATA.format(scale=scale, data=chosen_task.data)}
    if chosen.segment(iteration)[0]:
        owner = method if iteration > 1 or chosen.start is None else chosen.start
        inputs["previous"] = paths.WEIGHTS.format(**{**at, "method": owner, "iteration": iteration - 1})
    if chosen.landmarks is not None and iteration:
        inputs["landmarks"] = runs.landmark_files(chosen, method, paths.TRUTH, where, seed, iteration)
    plugins = [f"supernet.methods.{chosen.kind}", f"supernet.spaces.{chosen_task.space}"]
    if chosen.regulariser is not None and iteration:
        settings["regulariser"] = _plugin(chosen.regulariser)
        plugins.append(f"supernet.regularisers.{chosen.regulariser.kind}")
    if chosen.kind == POOLED and iteration:
        before = {**at, "method": owner, "iteration": iteration - 1}
        inputs["pool"] = paths.SEARCH.format(**before, searcher=chosen.searcher)
    outputs = {"weights": paths.WEIGHTS.format(**at), "log": paths.LOG.format(**at)}
    return Job("train", settings, outputs, inputs, tuple(plugins))


def score(config: Config, *, scale: str, task: str, method: str, estimator: str, seed: int, iteration: int) -> Job:
    """Scores of the estimator's architectures at the checkpoints of a segment, on the ``score`` images."""
    chosen = _get(config.estimators, estimator, "estimators")
    settings, inputs, plugins = _subject(config, scale, task, method, seed, iteration)
    inputs["archs"] = paths.ARCHS.format(scale=scale, task=task, set=chosen.archs)
    at = {"scale": scale, "task": task, "method": method, "estimator": estimator, "seed": seed, "iteration": iteration}
    settings["estimator"] = _dump(chosen)
    plugins += (f"supernet.estimators.{chosen.kind}",)
    return Job("score", settings, {"scores": paths.SCORES.format(**at)}, inputs, plugins)


def search(config: Config, *, scale: str, task: str, method: str, searcher: str, seed: int, iteration: int) -> Job:
    """A search guided by the super-net's scores on the ``guide`` images."""
    chosen = _get(config.searchers, searcher, "searchers")
    estimator = config.estimators[chosen.estimator]
    settings, inputs, plugins = _subject(config, scale, task, method, seed, iteration)
    at = {"scale": scale, "task": task, "method": method, "searcher": searcher, "seed": seed, "iteration": iteration}
    taught = config.methods[method]
    if taught.landmarks is not None and iteration:
        where = {"scale": scale, "task": task}
        inputs["landmarks"] = runs.landmark_files(taught, method, paths.TRUTH, where, seed, iteration)
        settings["order_truth"] = runs.order_truth(config.tasks[task], taught)
    settings |= {
        "searcher": {**_plugin(chosen), "score": chosen.score},
        "estimator": _dump(estimator),
        "seed": seed,
    }
    plugins += (f"supernet.estimators.{estimator.kind}", f"supernet.searchers.{chosen.kind}")
    return Job("search", settings, {"search": paths.SEARCH.format(**at)}, inputs, plugins)


def measure(config: Config, *, scale: str, study: str) -> Job:
    """All metrics of a study, from scores, searches and truths alone."""
    chosen = _get(config.studies, study, "studies")
    task = _get(config.tasks, chosen.task, "tasks")
    where = {"scale": scale, "task": chosen.task}
    inputs: dict[str, list[str]] = {"evaluation": [paths.TRUTH.format(**where, set=paths.EVALUATION)]}
    seeds = runs.seeds_of(config, study)
    for name, method, seed in ((name, config.methods[name], seed) for name in chosen.methods for seed in seeds):
        if method.landmarks:
            files = runs.landmark_files(method, name, paths.TRUTH, where, seed, method.iterations)
            inputs.setdefault("landmarks", []).extend(files)
        for estimator in chosen.estimators:
            archs = config.estimators[estimator].archs
            if archs != paths.EVALUATION:
                inputs[archs] = [paths.TRUTH.format(**where, set=archs)]
            for owner, iteration in runs.scored(method, name, archs):
                at = {**where, "method": owner, "seed": seed, "iteration": iteration}
                inputs.setdefault("scores", []).append(paths.SCORES.format(**at, estimator=estimator))
        for searcher in chosen.searchers:
            at = {**where, "method": name, "seed": seed, "iteration": method.iterations}
            at["searcher"] = runs.searcher_of(method, searcher)
            inputs.setdefault("searches", []).append(paths.SEARCH.format(**at))
            inputs.setdefault("found", []).append(paths.TRUTH.format(**where, set=paths.FOUND.format(**at)))
    settings = {
        "scale": scale,
        "name": study,
        "study": _dump(chosen),
        "task": _dump(task),
        "metrics": _dump(config.metrics),
        "seeds": seeds,
        "methods": {name: _dump(config.methods[name]) for name in chosen.methods},
    }
    elsewhere = {name: config.estimators[name].archs for name in chosen.estimators}
    if others := {name: archs for name, archs in elsewhere.items() if archs != paths.EVALUATION}:
        settings["archs"] = others
    if chosen.factorial is not None:
        design = config.factorials[chosen.factorial]
        levels = {name: list(levels) for name, levels in design.methods(chosen.factorial).items()}
        settings["factorial"] = {"name": chosen.factorial, "factors": list(design.factors), "levels": levels}
    unique = {role: list(dict.fromkeys(files)) for role, files in inputs.items()}
    outputs = {"metrics": paths.METRICS.format(scale=scale, study=study)}
    return Job("measure", settings, outputs, unique, (f"supernet.spaces.{task.space}",))


def summary(config: Config, *, scale: str, study: str) -> Job:
    """The table of a study: methods beside references, and the paired contrasts; main numbers and curves for DVC."""
    files = {"page": "table.md", "table": "table.parquet", "numbers": "metrics.json", "curves": "curves.json"}
    return _report(config, "summary", scale, study, files)


def figures(config: Config, *, scale: str, study: str) -> Job:
    """The figures of a study: S-KdT over epochs, all methods side by side, and ranks of two on the first seed."""
    names = ("sparse_kendall_tau", "effects", "ranks")
    files = {f"{name}_{form}": f"{name}.{form}" for name in names for form in ("svg", "png")}
    job = _report(config, "figures", scale, study, files)
    chosen = config.studies[study]
    panels = chosen.contrasts[0][::-1] if chosen.contrasts else chosen.methods[:2]
    seed = runs.seeds_of(config, study)[0]
    at = {"scale": scale, "task": chosen.task, "estimator": chosen.estimators[0], "seed": seed}
    scores = [paths.SCORES.format(**at, method=name, iteration=config.methods[name].iterations) for name in panels]
    evaluation = paths.TRUTH.format(scale=scale, task=chosen.task, set=paths.EVALUATION)
    inputs = {**job.inputs, "evaluation": evaluation, "scores": scores}
    return dataclasses.replace(job, settings={**job.settings, "panels": panels}, inputs=inputs)


def ledger(config: Config, *, scale: str, claims: str) -> Job:
    """Every number of a paper beside ours, from all studies of the scale that answer it, with a verdict."""
    answering = {name: study for name, study in config.studies.items() if study.claims == claims}
    here = [name for name, study in answering.items() if scale in study.scales]
    if not here:
        raise UserError(f"params.yaml: studies: none of scale {scale} names claims: {claims}, so it has no ledger")
    settings = {"scale": scale, "studies": here}
    settings["truths"] = {name: config.tasks[answering[name].task].score_truth for name in here}
    settings["elsewhere"] = {name: study.scales for name, study in answering.items() if name not in here}
    metrics = [paths.METRICS.format(scale=scale, study=name) for name in here]
    inputs = {"metrics": metrics, "claims": paths.CLAIMS.format(claims=claims), "schema": paths.CLAIMS_SCHEMA}
    outputs = {"ledger": paths.LEDGER, "page": paths.LEDGER_PAGE}
    return Job("ledger", settings, {r: f.format(scale=scale, claims=claims) for r, f in outputs.items()}, inputs)


def _report(config: Config, stage: str, scale: str, study: str, files: dict[str, str]) -> Job:
    """A job that writes ``files`` of a study's report from its metrics."""
    metrics = measure(config, scale=scale, study=study)
    outputs = {role: paths.REPORT.format(scale=scale, study=study, file=file) for role, file in files.items()}
    return Job(stage, metrics.settings, outputs, {"metrics": metrics.outputs["metrics"]})


def _subject(
    config: Config, scale: str, task: str, method: str, seed: int, iteration: int
) -> tuple[dict[str, Any], dict[str, str | list[str]], tuple[str, ...]]:
    """Settings, inputs and plug-ins of a trained super-net that something looks at."""
    chosen_task, chosen = _get(config.tasks, task, "tasks"), _get(config.methods, method, "methods")
    settings = {**_net(chosen_task), **_machine(config), "net": _dump(chosen.net)}
    inputs: dict[str, str | list[str]] = {
        "data": paths.DATA.format(scale=scale, data=chosen_task.data),
        "weights": paths.WEIGHTS.format(scale=scale, task=task, method=method, seed=seed, iteration=iteration),
    }
    return settings, inputs, (f"supernet.spaces.{chosen_task.space}",)


def _net(task: Task) -> dict[str, Any]:
    return {"space": task.space, "width": task.width, "cells": task.cells}


def _machine(config: Config) -> dict[str, Any]:
    return {"threads": config.threads, "device": config.device}


def _plugin(chosen: Plugin) -> dict[str, Any]:
    return {"kind": chosen.kind, "args": chosen.args}


def _dump(model: Any) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _get(section: dict[str, Any], name: str, where: str) -> Any:
    if name not in section:
        raise UserError(f"params.yaml: {where}: no {name!r}; known: {', '.join(section)}")
    return section[name]


def _number(text: str) -> int:
    """``s3`` or ``i3`` -> 3."""
    if not text[1:].isdigit():
        raise UserError(f"{text!r}: expected a letter and a number, as s0 or i1")
    return int(text[1:])
