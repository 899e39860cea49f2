"""The command line: one subcommand a stage. It parses, asks `supernet.plan` for the job, and runs the stage."""

import contextlib
import functools
import importlib
import inspect
import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from supernet import config as configs
from supernet import lineage, paths, plan, records, states
from supernet.digest import digest
from supernet.errors import UserError
from supernet.job import Job
from supernet.params import scales
from supernet.report import costs, readme

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

HELP = {
    "scale": "entry of `scales` in params.yaml",
    "set": "evaluation | landmarks/NAME/sSEED | additions/METHOD/sSEED/iN | found/METHOD/SEARCHER/sSEED",
    "iteration": "0 is the warm-up",
    "claims": "a paper: the name of a file in workflow/claims",
}
INTERRUPTED = 130


def _command(function: Callable[..., Job]) -> None:
    """Make a subcommand of a function of `supernet.plan`: its wildcards become required options."""

    @functools.wraps(function)
    def command(params: Path, **wildcards: str | int) -> None:
        config = configs.load(str(wildcards["scale"]), params)
        job = function(config, **wildcards)
        lineage.check(config, job)
        run(job)

    wildcards = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    options = [
        inspect.Parameter(
            p.name, p.KEYWORD_ONLY, annotation=Annotated[p.annotation, typer.Option(help=HELP.get(p.name, ""))]
        )
        for p in wildcards
    ]
    where = Annotated[Path, typer.Option(help="the file of all parameters")]
    file = inspect.Parameter("params", inspect.Parameter.KEYWORD_ONLY, annotation=where, default=Path("params.yaml"))
    command.__signature__ = inspect.Signature([*options, file])
    app.command(name=function.__name__, help=function.__doc__)(command)


STAGES = (
    plan.data, plan.table, plan.archs, plan.truth, plan.train, plan.score, plan.search, plan.measure,
    plan.summary, plan.figures, plan.ledger,
)  # fmt: skip
for _stage in STAGES:
    _command(_stage)


@app.command()
def check(params: Annotated[Path, typer.Option(help="the file of all parameters")] = Path("params.yaml")) -> None:
    """Check params.yaml at every scale."""
    for scale in scales(params):
        configs.load(scale, params)
    typer.echo(f"{params}: fine at {', '.join(scales(params))}")


@app.command()
def verify(
    scale: Annotated[str, typer.Option(help=HELP["scale"])],
    params: Annotated[Path, typer.Option(help="the file of all parameters")] = Path("params.yaml"),
) -> None:
    """Check that every file of a scale is as params.yaml asks, and was made from the very files that lie beside it."""
    files, links, absent = lineage.verify(configs.load(scale, params), scale)
    typer.echo(
        f"{scale}: {files} files are as {params} asks, {links} links to their inputs hold; {absent} files absent"
    )


@app.command()
def bench(
    out: Annotated[Path, typer.Option(help="folder of bench.json and table.md")] = Path("results/bench"),
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="what to time")] = "cpu",
) -> None:
    """Time training and scoring against the machine's limit; some minutes, on an otherwise idle machine."""
    from supernet.bench.run import run as run_bench

    typer.echo(run_bench(out, device, _processor()))


@app.command(name="costs")
def write_costs(
    scale: Annotated[str, typer.Option(help=HELP["scale"])],
    study: Annotated[str, typer.Option(help="entry of `studies` in params.yaml")],
    params: Annotated[Path, typer.Option(help="the file of all parameters")] = Path("params.yaml"),
) -> None:
    """Print what the runs of a study cost, and write it beside the costs of its jobs."""
    page = costs.page(configs.load(scale, params), scale, study)
    records.write_text(paths.COSTS_PAGE.format(scale=scale, study=study), page)
    typer.echo(page, nl=False)


@app.command(name="readme")
def write_readme(
    path: Annotated[Path, typer.Argument(help="a file with the two markers")] = Path("README.md"),
    check: Annotated[bool, typer.Option("--check", help="change nothing, fail if it is stale")] = False,
) -> None:
    """Rewrite the results and speeds in README.md, between their markers, from the files beside it."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; run from the folder that holds it, or name it")
    old = path.read_text()
    new = readme.fill(old, "results", readme.fragment(path.parent))
    new = readme.fill(new, "speed", readme.speeds(path.parent))
    if check and new != old:
        raise UserError(f"{path}: its numbers are not those of the files below results/; run `supernet readme`")
    if not check:
        records.write_text(path, new)


def run(job: Job) -> None:
    """Run a job's stage and write what it cost; its state folder stays only if there is something to go on from."""
    for path in job.sources:
        if not Path(path).exists():
            raise UserError(
                f"{path}: no such file; it is an input of stage {job.stage}: run the rule that makes it first"
            )
    if job.stage in ("data", "table"):
        _check_mirror()
    code = digest(*job.modules)
    state = lineage.state(job)
    started = time.perf_counter()
    with states.locked(state):
        try:
            importlib.import_module(f"supernet.stages.{job.stage}").run(job, state)
        except BaseException:
            if states.holds_something(state):
                with contextlib.suppress(UserError):  # a full disk: what stopped the stage is the error to report
                    records.write_json(state / "spent.json", {"seconds": _spent(state) + time.perf_counter() - started})
            else:
                shutil.rmtree(state, ignore_errors=True)
            raise
        _write_costs(job, code, _spent(state) + time.perf_counter() - started)
        shutil.rmtree(state, ignore_errors=True)


def _check_mirror() -> None:
    """A mirror that is not there would be passed over in silence, and a compute node would try to download."""
    folder = paths.mirror()
    if folder is not None and not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        raise UserError(f"{paths.MIRROR}={folder}: no readable folder; name one that is, or unset it to download")


def _spent(state: Path) -> float:
    """Seconds that earlier, interrupted attempts took."""
    path = state / "spent.json"
    return records.read_json(path)["seconds"] if path.exists() else 0.0


def _write_costs(job: Job, code: str, seconds: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = {
        "stage": job.stage,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_memory_mb": usage.ru_maxrss // 1024,
        "processor": _processor(),
        "python": platform.python_version(),
        "torch": sys.modules["torch"].__version__ if "torch" in sys.modules else None,
        "code": code,
    }
    records.write_json(paths.costs(next(iter(job.outputs.values()))), spent)


def _processor() -> str:
    """The processor's name, or the accelerator's where one is in use."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return torch.cuda.get_device_name()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def main() -> None:
    """Entry point: errors that a user can cause are one line and status 2, an interrupted run is status 130."""
    try:
        app()
    except UserError as error:
        print(f"supernet: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if type(error).__name__ != "Interrupted":
            raise
        print(f"supernet: {error}", file=sys.stderr)
        sys.exit(INTERRUPTED)
