"""Studies -> jobs: metrics, tables, figures and ledgers; the rest of `supernet.plan`, which has them too."""

import dataclasses

from supernet import paths, runs
from supernet.config import Config
from supernet.errors import UserError
from supernet.job import Job
from supernet.plugins import kinds
from supernet.sections import dump, entry


def measure(config: Config, *, scale: str, study: str) -> Job:
    """All metrics of a study, from scores, searches and truths alone."""
    chosen = entry(config.studies, study, "studies")
    task = entry(config.tasks, chosen.task, "tasks")
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
        for owner, iteration in runs.segments(method, name) if chosen.logged else ():
            at = {**where, "method": owner, "seed": seed, "iteration": iteration}
            inputs.setdefault("logs", []).append(paths.LOG.format(**at))
        for searcher in chosen.searchers:
            at = {**where, "method": name, "seed": seed, "iteration": method.iterations}
            at["searcher"] = runs.searcher_of(method, searcher)
            inputs.setdefault("searches", []).append(paths.SEARCH.format(**at))
            inputs.setdefault("found", []).append(paths.TRUTH.format(**where, set=paths.FOUND.format(**at)))
    settings = {
        "scale": scale,
        "name": study,
        "study": dump(chosen),
        "task": dump(task),
        "metrics": dump(config.metrics),
        "seeds": seeds,
        "methods": {name: dump(config.methods[name]) for name in chosen.methods},
    }
    elsewhere = {name: config.estimators[name].archs for name in chosen.estimators}
    if others := {name: archs for name, archs in elsewhere.items() if archs != paths.EVALUATION}:
        settings["archs"] = others
    if chosen.factorial is not None:
        design = config.factorials[chosen.factorial]
        levels = {name: list(levels) for name, levels in design.methods(chosen.factorial).items()}
        settings["factorial"] = {"name": chosen.factorial, "factors": list(design.factors), "levels": levels}
        settings["factorial"]["once_a_seed"] = design.once_a_seed
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
    whole = [pair[::-1] for pair in chosen.contrasts if "@" not in "".join(pair)]
    methods = chosen.methods
    ends = methods[:: len(methods) - 1] if chosen.factorial else methods[:2]  # of a factorial the base and the farthest
    panels = whole[0] if whole else ends
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
    named = {role: file.format(scale=scale, claims=claims) for role, file in outputs.items()}
    return Job("ledger", settings, named, inputs, tuple(f"supernet.spaces.{space}" for space in kinds("spaces")))


def _report(config: Config, stage: str, scale: str, study: str, files: dict[str, str]) -> Job:
    """A job that writes ``files`` of a study's report from its metrics."""
    metrics = measure(config, scale=scale, study=study)
    outputs = {role: paths.REPORT.format(scale=scale, study=study, file=file) for role, file in files.items()}
    return Job(stage, metrics.settings, outputs, {"metrics": metrics.outputs["metrics"]})
