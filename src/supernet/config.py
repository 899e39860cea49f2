"""params.yaml -> one checked, frozen configuration per scale.

Unknown keys, missing keys, wrong types and impossible values are errors before the first job. The arguments of a
plug-in are checked against the keyword-only signature of its ``make(...)``, read from the source without importing it:
the signature is the schema.
"""

import ast
import functools
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, create_model

from supernet import params, settings
from supernet.errors import UserError
from supernet.factorial import Factorial
from supernet.plugins import PACKAGE, kinds
from supernet.sections import (
    BLOCKS,
    CLOSE,
    OWN,
    POOLED,
    VOTE,
    Data,
    Estimator,
    LandmarkSet,
    Method,
    Metrics,
    Plugin,
    Searcher,
    Study,
    TableTruth,
    Task,
)  # fmt: skip
from supernet.settings import Count, Seeds, Strict

NAMED = ("data", "tables", "tasks", "landmarks", "methods", "estimators", "searchers", "factorials", "studies")


class Config(Strict):
    """Everything params.yaml says at one scale."""

    seeds: Seeds
    threads: Count
    device: Literal["cpu", "cuda", "auto"]
    processes: Count = 1
    data: dict[str, Data]
    tables: dict[str, Plugin]
    tasks: dict[str, Task]
    landmarks: dict[str, LandmarkSet]
    methods: dict[str, Method]
    estimators: dict[str, Estimator]
    searchers: dict[str, Searcher]
    factorials: dict[str, Factorial] = {}
    metrics: Metrics
    studies: dict[str, Study]


def load(scale: str, path: str | Path = "params.yaml") -> Config:
    """Read ``path`` at ``scale``. Raises ``UserError`` naming the key if anything in it is wrong."""
    try:
        config = Config.model_validate(params.at_scale(path, scale))
    except ValidationError as error:
        raise UserError(f"{path}: {_one_line(error)} (scale {scale})") from None
    _check_plugins(config, str(path))
    _check_references(config, str(path))
    return config


@functools.cache
def schema(folder: str, kind: str) -> type[Strict]:
    """The model of a plug-in's arguments: the keyword-only parameters of its ``make``, with their annotations."""
    source = PACKAGE / folder / f"{kind}.py"
    make = next(n for n in ast.parse(source.read_text()).body if isinstance(n, ast.FunctionDef) and n.name == "make")
    fields: dict[str, Any] = {}
    for argument, default in zip(make.args.kwonlyargs, make.args.kw_defaults, strict=True):
        annotation = eval(compile(ast.Expression(argument.annotation), str(source), "eval"), vars(settings))
        fields[argument.arg] = (annotation, ... if default is None else ast.literal_eval(default))
    return create_model(kind, __base__=Strict, **fields)


def _check_plugins(config: Config, path: str) -> None:
    sections = {
        "data": "datasets",
        "tables": "tables",
        "methods": "methods",
        "estimators": "estimators",
        "searchers": "searchers",
    }
    for section, folder in sections.items():
        for name, plugin in getattr(config, section).items():
            _check_plugin(plugin, folder, f"{path}: {section}.{name}")
    for name, method in config.methods.items():
        if method.regulariser is not None:
            _check_plugin(method.regulariser, "regularisers", f"{path}: methods.{name}.regulariser")


def _check_plugin(plugin: Plugin, folder: str, where: str) -> None:
    if plugin.kind not in kinds(folder):
        raise UserError(f"{where}.kind: no {plugin.kind!r}; known: {', '.join(kinds(folder))}")
    try:
        schema(folder, plugin.kind).model_validate(plugin.args)
    except ValidationError as error:
        raise UserError(f"{where}.args.{_one_line(error)}") from None


def _check_references(config: Config, path: str) -> None:
    def known(section: str, name: str | None, where: str) -> None:
        if name is not None and name not in getattr(config, section):
            raise UserError(f"{path}: {where}: no {name!r} in {section}; known: {', '.join(getattr(config, section))}")

    for section in NAMED:
        for name in getattr(config, section):
            if not re.fullmatch(params.NAME, name):
                raise UserError(f"{path}: {section}.{name}: expected a name of small letters, digits and hyphens")
    for name, task in config.tasks.items():
        known("data", task.data, f"tasks.{name}.data")
        if task.space not in kinds("spaces"):
            raise UserError(f"{path}: tasks.{name}.space: no {task.space!r}; known: {', '.join(kinds('spaces'))}")
        if isinstance(task.truth, TableTruth):
            known("tables", task.truth.table, f"tasks.{name}.truth.table")
    for name, method in config.methods.items():
        _check_method(config, path, name, method, known)
    for name, searcher in config.searchers.items():
        known("estimators", searcher.estimator, f"searchers.{name}.estimator")
    for name, study in config.studies.items():
        for scale in study.scales:
            if scale not in params.scales(path):
                raise UserError(f"{path}: studies.{name}.scales: no {scale!r}; known: {', '.join(params.scales(path))}")
        known("tasks", study.task, f"studies.{name}.task")
        for section in ("methods", "estimators", "searchers"):
            for entry in getattr(study, section):
                if (section, entry) != ("searchers", OWN):
                    known(section, entry, f"studies.{name}.{section}")
        homeless = [entry for entry in study.methods if config.methods[entry].searcher is None]
        if OWN in study.searchers and homeless:
            raise UserError(f"{path}: studies.{name}.searchers: {OWN!r}, but methods.{homeless[0]} names no searcher")
        if study.joined and not any(config.methods[entry].landmarks for entry in study.methods):
            raise UserError(f"{path}: studies.{name}.joined: none of its methods has landmarks to join")
        splits = [config.methods[entry] for entry in study.methods if config.methods[entry].net.warmup_sharing]
        starts, epochs = {split.start for split in splits}, [split.train.warmup for split in splits]
        if study.signals and (len(starts) != 1 or not starts <= {*study.methods} or len({*epochs}) < len(epochs)):
            raise UserError(
                f"{path}: studies.{name}.signals: needs methods that split weights at different epochs, all of"
                " which start from one method of the study"
            )
        majorities = [[score.partition(":")[2] for score in scores] for scores in study.vote]
        if len({*map(tuple, majorities)}) < len(majorities):
            raise UserError(f"{path}: studies.{name}.vote: two lists of scores of the same names")
        named = [(study.levels, "levels")] if study.levels else []
        named += [(score.partition(":")[0], "vote") for scores in study.vote for score in scores]
        paired = [(score.partition(":")[0], "scores") for scores in study.scores for score in scores]
        named += [(entry, key) for entry, key in paired if not (study.vote and entry == VOTE)]
        for entry, key in named:
            if entry not in study.estimators:
                raise UserError(f"{path}: studies.{name}.{key}: {entry!r} is not among the study's estimators")
        if study.levels and (not study.criteria or config.estimators[study.levels].kind != "oneshot"):
            raise UserError(f"{path}: studies.{name}.levels: needs criteria, and an estimator of kind 'oneshot'")
        if study.scores and not study.criteria:
            raise UserError(f"{path}: studies.{name}.scores: needs criteria")
        for pair in study.contrasts:
            for entry in pair:
                method, at, iteration = entry.partition("@")
                if method not in study.methods:
                    raise UserError(f"{path}: studies.{name}.contrasts: {entry!r} is not among the study's methods")
                last = config.methods[method].iterations
                if at and not (iteration.isdecimal() and int(iteration) <= last):
                    raise UserError(f"{path}: studies.{name}.contrasts: {entry!r}: expected an iteration 0 to {last}")


def _check_method(config: Config, path: str, name: str, method: Method, known: Any) -> None:
    where = f"{path}: methods.{name}"
    known("landmarks", method.landmarks, f"methods.{name}.landmarks")
    known("methods", method.start, f"methods.{name}.start")
    train = method.train
    if method.kind == POOLED and not train.warmup:
        raise UserError(f"{where}.train.warmup: kind {POOLED!r} needs one, at whose end the first pool is met")
    if train.warmup >= max(train.epochs, 1):
        raise UserError(f"{where}.train.warmup: {train.warmup} is not less than epochs = {train.epochs}")
    if (train.epochs - train.warmup) % method.iterations:
        left = train.epochs - train.warmup
        raise UserError(f"{where}.iterations: {method.iterations} does not divide the {left} epochs after warm-up")
    if method.start is not None:
        owner, at = config.methods[method.start], method.start_at
        ends = owner.segment(at)[1] if at <= owner.iterations else None
        same = owner.train == train.model_copy(update={"warmup": owner.train.warmup})
        if not same or owner.net != method.net.at(0) or not train.warmup or ends != train.warmup or owner.start:
            raise UserError(
                f"{where}.start: {method.start!r} must own a run with the same train and net settings, whose iteration"
                f" {at} ends where this one's warm-up does, after {train.warmup} epochs"
            )
    if method.net.copies == "lazy":
        plain = method.kind == "spos" and method.args.get("paths", 1) == 1 and not method.regulariser
        if not plain or method.net.warmup_sharing != "one_shot" or method.iterations > 1:
            raise UserError(
                f"{where}.net.copies: lazy goes with kind spos, one path a step, warmup_sharing: one_shot, one"
                " iteration and no regulariser"
            )
    net = method.net
    if len({method.kind == CLOSE, net.sharing == BLOCKS, net.blocks > 1}) > 1:
        raise UserError(f"{where}: kind {CLOSE}, net.sharing: {BLOCKS} and at least two net.blocks go together")
    if method.kind == CLOSE:
        opens = len(schema("methods", CLOSE).model_validate(method.args).opens)
        if opens != net.blocks - 1:
            raise UserError(f"{where}.args.opens: {opens} times to open blocks; {net.blocks} need {net.blocks - 1}")
        if net.warmup_sharing or net.edge is not None or net.parts > 1:
            raise UserError(f"{where}.net: {BLOCKS} goes without warmup_sharing, edge and parts")
    if method.net.warmup_sharing is not None and not train.warmup:
        raise UserError(f"{where}.net.warmup_sharing: needs a train.warmup, at whose end weights are split")
    if method.added != "best" and method.additions is None:
        raise UserError(f"{where}.added: {method.added!r} needs additions: how many become landmarks")
    known("searchers", method.searcher, f"methods.{name}.searcher")
    if method.searcher is None and (method.additions is not None or method.kind == POOLED):
        raise UserError(f"{where}.searcher: is missing; additions and kind {POOLED!r} live on what it meets")
    if method.regulariser is not None and method.landmarks is None:
        raise UserError(f"{where}.landmarks: is missing; {method.regulariser.kind!r} regularises with landmarks")


def _one_line(error: ValidationError) -> str:
    first, *rest = error.errors()
    where = ".".join(str(part) for part in first["loc"])
    got = "" if first["type"] in ("missing", "extra_forbidden") else f", got {first['input']!r}"
    what = {"missing": "is missing", "extra_forbidden": "is not a known key"}.get(first["type"], first["msg"])
    more = f" (and {len(rest)} more)" if rest else ""
    return f"{where}: {what}{got}{more}"
