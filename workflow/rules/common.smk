# What all rules share: the checked configuration of every scale, wildcards, and the job behind a set of wildcards.
import functools

from snakemake.exceptions import WorkflowError

from stages import stages
from supernet import config as configs
from supernet import params, paths, plan
from supernet.digest import digest
from supernet.errors import UserError
from supernet.lineage import NUMBERS

if config:
    sys.exit(
        f"--config {' '.join(config)}: refused; every choice lives in params.yaml, so that it is recorded"
    )
try:
    CONFIGS = {scale: configs.load(scale) for scale in params.scales()}
    STAGES = [stage for scale in CONFIGS for stage in stages(CONFIGS[scale], scale)]
except UserError as error:
    sys.exit(f"supernet: {error}")

NAME = "[a-z0-9-]+"


wildcard_constraints:
    **{
        name: NAME
        for name in (
            "data",
            "table",
            "task",
            "method",
            "estimator",
            "searcher",
            "study",
            "claims",
        )
    },
    scale="|".join(CONFIGS),
    set=f"{NAME}(/{NAME})*",
    seed=r"\d+",
    iteration=r"\d+",


@functools.cache
def job(stage, **wildcards):
    """The `plan` of one job."""
    fields = {
        name: int(value) if name in NUMBERS else value
        for name, value in wildcards.items()
    }
    try:
        return getattr(plan, stage)(CONFIGS[wildcards["scale"]], **fields)
    except UserError as error:
        raise WorkflowError(str(error))


def inputs(stage):
    """Input function: the files a job reads, by role."""
    return lambda wildcards: job(stage, **wildcards).inputs


def settings(stage):
    """Parameter function: every number a job depends on, as one line, so that a change re-runs its cone and no more."""
    return lambda wildcards: job(stage, **wildcards).key


def code(stage):
    """Parameter function: a digest of the modules a job runs, which Snakemake does not see by itself."""
    return lambda wildcards: digest(*job(stage, **wildcards).modules)


def cores(wildcards):
    """Threads of a job that computes; another number gives other bits."""
    return CONFIGS[wildcards.scale].threads


def accelerators(wildcards):
    """Accelerators of a job that computes."""
    return int(CONFIGS[wildcards.scale].device != "cpu")


def report_file(name):
    """Template of one file of a study's report."""
    return paths.REPORT.replace("{file}", name)


# A target for each scale, and one for each group of files that DVC keeps as a stage.
for scale in CONFIGS:

    rule:
        name:
            scale
        input:
            [
                stage.files
                for stage in STAGES
                if stage.scale == scale and stage.kind in ("study", "ledger")
            ],
        localrule: True
        message:
            f"all studies of scale {scale} are complete: results/{scale}/report"


for stage in STAGES:

    rule:
        name:
            stage.name
        input:
            stage.files,
        localrule: True
        message:
            f"{stage.name} is complete"
