"""The graph of jobs: which job makes a file, and what it needs before it. Snakemake walks the same rules by itself."""

import re
from collections.abc import Callable, Iterable

from supernet import paths, plan
from supernet.config import Config
from supernet.job import Job

MAKERS: dict[str, Callable[..., Job]] = {
    paths.DATA: plan.data,
    paths.TABLE: plan.table,
    paths.ARCHS: plan.archs,
    paths.TRUTH: plan.truth,
    paths.WEIGHTS: plan.train,
    paths.LOG: plan.train,
    paths.SCORES: plan.score,
    paths.SEARCH: plan.search,
    paths.METRICS: plan.measure,
}
NUMBERS = ("seed", "iteration")


def producer(config: Config, path: str) -> Job:
    """The job that makes ``path``: the inverse of the path grammar. ``LookupError`` if no template fits."""
    for template, make in MAKERS.items():
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template).replace("(?P<set>[^/]+)", "(?P<set>.+)")
        if found := re.fullmatch(pattern, path):
            return make(config, **{k: int(v) if k in NUMBERS else v for k, v in found.groupdict().items()})
    raise LookupError(f"{path}: no template of supernet.paths fits")


def closure(config: Config, jobs: Iterable[Job]) -> list[Job]:
    """``jobs`` and all that they depend on, each once, in the order of their first outputs."""
    made: dict[str, Job] = {}
    waiting = list(jobs)
    while waiting:
        job = waiting.pop()
        if job.first not in made:
            made[job.first] = job
            waiting += [producer(config, path) for path in job.sources if path.startswith("results/")]
    return [made[path] for path in sorted(made)]


def of_study(config: Config, scale: str, study: str) -> list[Job]:
    """All jobs behind the table and the figures of a study."""
    return closure(config, [make(config, scale=scale, study=study) for make in (plan.summary, plan.figures)])


def targets(config: Config, scale: str) -> list[Job]:
    """The jobs that end in what is read: tables and figures of all studies of ``scale``, ledgers of their papers."""
    here = {name: study for name, study in config.studies.items() if scale in study.scales}
    papers = dict.fromkeys(study.claims for study in here.values() if study.claims)
    return [
        *(make(config, scale=scale, study=name) for name in here for make in (plan.summary, plan.figures)),
        *(plan.ledger(config, scale=scale, claims=claims) for claims in papers),
    ]
