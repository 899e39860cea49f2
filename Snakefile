# What runs, in which order. Read it from here: the includes are the table of contents.
#   path grammar   src/supernet/paths.py      where every kind of file lies under results/
#   dependencies   src/supernet/plan.py       which settings, inputs and code a file depends on
#   one job        src/supernet/cli.py        a rule is one line of the command line: paste it and step through
#   targets        snakemake demo | reduced | full, a study as demo_study_demo, or any file of results/
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# Jobs call the `supernet` that is installed beside this Snakemake: nothing need be activated. Strict mode, because a
# prefix of one's own replaces Snakemake's: else `| tee` would hide that a job has failed. SLURM sends SIGTERM to every
# process of a job; shell and `tee` must outlive it until `supernet`, which listens again, has saved its state.
shell.prefix(
    f"set -euo pipefail; trap '' TERM; export PATH='{Path(sys.executable).parent}':\"$PATH\"; "
)
sys.path.insert(0, str(Path(workflow.basedir, "workflow", "scripts")))
import slurm


include: "workflow/rules/common.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/truth.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/track.smk"


onstart:
    # Snakemake 9 limits jobs a second, and for each finished job leaves a timer behind that wakes its scheduler up once
    # a second for good: after some hundred jobs that takes a third of a core. Nobody needs the limit here.
    workflow.scheduler.job_rate_limiter = None
    if workflow.executor_plugin.name == "slurm":
        if refused := slurm.refusal(
            workflow.dag.needrun_jobs(), workflow.executor_settings
        ):
            sys.exit(f"supernet: {refused}")


rule default:
    default_target: True
    input:
        rules.demo.input,
    localrule: True
