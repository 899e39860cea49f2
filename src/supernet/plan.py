"""params.yaml -> jobs. What depends on what is said here once: Snakemake's rules and the command line both ask here.

Every function takes the configuration and the wildcards of a path in `supernet.paths` and returns the `Job` that
makes the file.
"""

import math
import re
from typing import Any

from supernet import paths, runs
from supernet.config import Config
from supernet.errors import UserError
from supernet.job import Job
from supernet.sections import POOLED, Net, Plugin, Task, dump, entry
from supernet.settings import StandaloneTruth
from supernet.studies import figures as figures  # what studies ask for is planned here too
from supernet.studies import ledger as ledger
from supernet.studies import measure as measure
from supernet.studies import summary as summary


def data(config: Config, *, scale: str, data: str) -> Job:
    """Images of a data set at this scale's size, in named splits."""
    chosen = entry(config.data, data, "data")
    return Job(
        stage="data",
        settings=dump(chosen),
        outputs={"data": paths.DATA.format(scale=scale, data=data)},
        plugins=(f"supernet.datasets.{chosen.kind}",),
    )


def table(config: Config, *, scale: str, table: str) -> Job:
    """A benchmark's table in the common schema."""
    chosen = entry(config.tables, table, "tables")
    return Job(
        stage="table",
        settings=dump(chosen),
        outputs={"table": paths.TABLE.format(scale=scale, table=table)},
        plugins=(f"supernet.tables.{chosen.kind}",),
    )


def archs(config: Config, *, scale: str, task: str, set: str) -> Job:
    """A set of architectures: the evaluation set, first landmarks, landmarks added by a search, or what one found."""
    chosen = entry(config.tasks, task, "tasks")
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
            how = entry(config.landmarks, name, "landmarks")
            settings = {"space": chosen.space, "seed": _number(seed), **dump(how)}
            return Job("landmarks", settings, output, {"evaluation": evaluation}, (space,))
        case ["additions", name, seed, iteration]:
            method = entry(config.methods, name, "methods")
            if method.additions is None:
                raise UserError(f"params.yaml: methods.{name}.additions: is missing, so that no landmarks are added")
            if not 1 <= _number(iteration) < method.iterations:
                last = method.iterations - 1
                raise UserError(f"{output['archs']}: landmarks are added after iterations 1 to {last} of {name}")
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
            last = entry(config.methods, name, "methods").iterations
            at = {**where, "method": name, "searcher": searcher, "seed": _number(seed), "iteration": last}
            return Job("additions", {"count": 1}, output, {"search": paths.SEARCH.format(**at)})
    raise UserError(f"{output['archs']}: no such set of architectures; see supernet.paths")


def truth(config: Config, *, scale: str, task: str, set: str) -> Job:
    """Stand-alone performance of a set of architectures: looked up, or trained.

    Landmarks are trained with the first of the truth's seeds alone, which is what a user would pay for; what
    measures, the evaluation set and what a search found, with all of them. Looked up, these two get the truths of
    other data sets too, and what was found its standing in the whole space, which the table may exceed.
    """
    chosen = entry(config.tasks, task, "tasks")
    where = {"scale": scale, "task": task, "set": set}
    outputs = {"truth": paths.TRUTH.format(**where)}
    inputs = {"archs": paths.ARCHS.format(**where)}
    teaches = set.startswith(("landmarks/", "additions/"))
    if isinstance(chosen.truth, StandaloneTruth):
        if set == paths.SPACE:
            raise UserError(f"params.yaml: tasks.{task}.truth: nobody trains a whole space; name a table")
        seeds = chosen.truth.seeds[:1] if teaches else chosen.truth.seeds
        trained = {**dump(chosen.truth), "seeds": seeds}
        settings = {**_net(chosen), **_machine(config), "truth": trained}
        inputs["data"] = paths.DATA.format(scale=scale, data=chosen.data)
        return Job("standalone", settings, outputs, inputs, (f"supernet.spaces.{chosen.space}",))
    inputs["table"] = paths.TABLE.format(scale=scale, table=chosen.truth.table)
    settings = {"dataset": chosen.truth.dataset, "epochs": chosen.truth.epochs}
    settings |= {"also": chosen.truth.also} if chosen.truth.also and not teaches else {}
    if set.startswith("found/"):
        settings["standing"] = True if chosen.space == chosen.truth.table else chosen.space
    return Job("lookup", settings, outputs, inputs)


def train(config: Config, *, scale: str, task: str, method: str, seed: int, iteration: int) -> Job:
    """One segment of a super-net's training: the warm-up (iteration 0) or a regularised iteration."""
    chosen_task, chosen = entry(config.tasks, task, "tasks"), entry(config.methods, method, "methods")
    where = {"scale": scale, "task": task}
    at = {**where, "method": method, "seed": seed, "iteration": iteration}
    first = 0 if chosen.train.warmup else 1
    if not first <= iteration <= chosen.iterations:
        known = f"it has {first} to {chosen.iterations}"
        raise UserError(f"params.yaml: methods.{method}: has no iteration {iteration}; {known}")
    settings = {
        **_net(chosen_task, chosen.net.at(iteration)),
        **_machine(config),
        "order_truth": runs.order_truth(chosen_task, chosen),
        "method": _plugin(chosen),
        "train": dump(chosen.train),
        "epochs": list(chosen.segment(iteration)),
        "seed": seed,
    }
    if "guide" not in config.data[chosen_task.data].split:
        settings["guide"] = False
    if (processes := math.gcd(config.processes, chosen.train.slices)) > 1:
        settings["processes"] = processes
    inputs: dict[str, str | list[str]] = {"data": paths.DATA.format(scale=scale, data=chosen_task.data)}
    if chosen.segment(iteration)[0]:
        owner, before = runs.before(chosen, method, iteration)
        inputs["previous"] = paths.WEIGHTS.format(**{**at, "method": owner, "iteration": before})
        if iteration == 1 and chosen.net.warmup_sharing is not None:
            settings["split"] = chosen.net.warmup_sharing
            if chosen.net.copies == "lazy":
                settings["copies"] = chosen.net.copies
    if chosen.landmarks is not None and iteration:
        inputs["landmarks"] = runs.landmark_files(chosen, method, paths.TRUTH, where, seed, iteration)
    plugins = [f"supernet.methods.{chosen.kind}", f"supernet.spaces.{chosen_task.space}"]
    if chosen.regulariser is not None and iteration:
        settings["regulariser"] = _plugin(chosen.regulariser)
        plugins.append(f"supernet.regularisers.{chosen.regulariser.kind}")
    if chosen.kind == POOLED and iteration:
        met = {**at, "method": owner, "iteration": before}
        inputs["pool"] = paths.SEARCH.format(**met, searcher=chosen.searcher)
    outputs = {"weights": paths.WEIGHTS.format(**at), "log": paths.LOG.format(**at)}
    return Job("train", settings, outputs, inputs, tuple(plugins))


def score(config: Config, *, scale: str, task: str, method: str, estimator: str, seed: int, iteration: int) -> Job:
    """Scores of the estimator's architectures at the checkpoints of a segment, on the ``score`` images."""
    chosen = entry(config.estimators, estimator, "estimators")
    settings, inputs, plugins = _subject(config, scale, task, method, seed, iteration)
    inputs["archs"] = paths.ARCHS.format(scale=scale, task=task, set=chosen.archs)
    at = {"scale": scale, "task": task, "method": method, "estimator": estimator, "seed": seed, "iteration": iteration}
    settings["estimator"] = dump(chosen)
    plugins += (f"supernet.estimators.{chosen.kind}",)
    return Job("score", settings, {"scores": paths.SCORES.format(**at)}, inputs, plugins)


def search(config: Config, *, scale: str, task: str, method: str, searcher: str, seed: int, iteration: int) -> Job:
    """A search guided by the super-net's scores on the ``guide`` images."""
    chosen = entry(config.searchers, searcher, "searchers")
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
        "estimator": dump(estimator),
        "seed": seed,
    }
    plugins += (f"supernet.estimators.{estimator.kind}", f"supernet.searchers.{chosen.kind}")
    return Job("search", settings, {"search": paths.SEARCH.format(**at)}, inputs, plugins)


def _subject(
    config: Config, scale: str, task: str, method: str, seed: int, iteration: int
) -> tuple[dict[str, Any], dict[str, str | list[str]], tuple[str, ...]]:
    """Settings, inputs and plug-ins of a trained super-net that something looks at."""
    chosen_task, chosen = entry(config.tasks, task, "tasks"), entry(config.methods, method, "methods")
    settings = {**_net(chosen_task, chosen.net.at(iteration)), **_machine(config)}
    inputs: dict[str, str | list[str]] = {
        "data": paths.DATA.format(scale=scale, data=chosen_task.data),
        "weights": paths.WEIGHTS.format(scale=scale, task=task, method=method, seed=seed, iteration=iteration),
    }
    return settings, inputs, (f"supernet.spaces.{chosen_task.space}",)


def _net(task: Task, net: Net | None = None) -> dict[str, Any]:
    """What a net is built from: a super-net, or without ``net`` one that is trained alone."""
    if net is None:
        return {"space": task.space, "width": task.width, "cells": task.cells}
    own = net.model_dump(mode="json", exclude={"width", "cells"})
    return {"space": task.space, "width": net.width or task.width, "cells": net.cells or task.cells, "net": own}


def _machine(config: Config) -> dict[str, Any]:
    return {"threads": config.threads, "device": config.device}


def _plugin(chosen: Plugin) -> dict[str, Any]:
    return {"kind": chosen.kind, "args": chosen.args}


def _number(text: str) -> int:
    """``s3`` or ``i3`` -> 3."""
    if not re.fullmatch(r"[si][0-9]+", text):
        raise UserError(f"{text!r}: expected a letter and a number, as s0 or i1")
    return int(text[1:])
