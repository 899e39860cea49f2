"""The command line: it parses, calls, and reports errors in one line.

Commands for people are in `supernet.commands`; a stage of the pipeline is `supernet stage NAME`, for which this module
asks `supernet.plan` for the job and runs it.
"""

import functools
import inspect
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from supernet import config as configs
from supernet import lineage, paths, plan, ranks, records
from supernet.commands import describe, rank, score, status
from supernet.commands.options import PARAMS, Params, completing, entries, scales
from supernet.errors import UserError
from supernet.job import Job
from supernet.params import scales as scales_of
from supernet.report import costs, figures, inline, quality, readme
from supernet.runner import processor, run

INTERRUPTED = 130
ASK, PIPELINE, UPKEEP = "Ask", "Run the pipeline", "Look after the project"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="What weight-sharing neural architecture search really delivers: ask finished runs, or run the pipeline.\n\n"
    "Run it from the folder that holds params.yaml and results. A RUN is `reduced/nasbench201-cifar10/landmark/s0`"
    " or the path of its folder. `supernet COMMAND --help` has the options of each command.",
)
stage = typer.Typer(
    no_args_is_help=True,
    help="One job of the pipeline, as the rules of `snakemake` run it: its inputs must be there.",
)
for command in (score.score, rank.rank, describe.describe, status.status):
    app.command(rich_help_panel=ASK)(command)
app.add_typer(stage, name="stage", rich_help_panel=PIPELINE)

HELP = {
    "scale": "Entry of `scales` in params.yaml.",
    "set": "evaluation | space | landmarks/NAME/sSEED | additions/METHOD/sSEED/iN | found/METHOD/SEARCHER/sSEED",
    "iteration": "0 is the warm-up.",
    "claims": "A paper: the name of a file in workflow/claims.",
}
COMPLETE = {
    "scale": scales,
    **{name: entries(f"{name}s") for name in ("task", "method", "estimator", "searcher", "table")},
    "study": entries("studies"),
    "data": entries("data"),
}


def _stage(function: Callable[..., Job]) -> None:
    """Make a subcommand of a function of `supernet.plan`: its wildcards become required options."""

    @functools.wraps(function)
    def command(params: Path, **wildcards: str | int) -> None:
        config = configs.load(str(wildcards["scale"]), params)
        job = function(config, **wildcards)
        lineage.check(config, job)
        run(job)

    wildcards = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    options = [
        inspect.Parameter(p.name, p.KEYWORD_ONLY, annotation=Annotated[p.annotation, _option(p.name)])
        for p in wildcards
    ]
    file = inspect.Parameter("params", inspect.Parameter.KEYWORD_ONLY, annotation=Params, default=PARAMS)
    command.__signature__ = inspect.Signature([*options, file])
    stage.command(name=function.__name__, help=function.__doc__)(command)


def _option(name: str) -> typer.models.OptionInfo:
    known = COMPLETE.get(name)
    least = 0 if name in ("seed", "iteration") else None
    return typer.Option(help=HELP.get(name, ""), min=least, autocompletion=completing(known) if known else None)


STAGES = (
    plan.data, plan.table, plan.archs, plan.truth, plan.train, plan.score, plan.search, plan.measure,
    plan.summary, plan.figures, plan.ledger,
)  # fmt: skip
for _function in STAGES:
    _stage(_function)


@app.command(rich_help_panel=UPKEEP)
def check(params: Params = PARAMS) -> None:
    """Check params.yaml at every scale."""
    for scale in scales_of(params):
        configs.load(scale, params)
    typer.echo(f"{params}: fine at {', '.join(scales_of(params))}")


@app.command(rich_help_panel=UPKEEP)
def verify(
    scale: Annotated[str, _option("scale")],
    params: Params = PARAMS,
) -> None:
    """Check that every file of a scale is as params.yaml asks, and was made from the very files that lie beside it."""
    files, links, absent = lineage.verify(configs.load(scale, params), scale)
    typer.echo(
        f"{scale}: {files} files are as {params} asks, {links} links to their inputs hold; {absent} files absent"
    )


@app.command(rich_help_panel=UPKEEP)
def bench(
    out: Annotated[Path, typer.Option(help="Folder of bench.json and table.md.")] = Path("results/bench"),
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="What to time.")] = "cpu",
) -> None:
    """Time training and scoring against the machine's limit; some minutes, on an otherwise idle machine."""
    from supernet.bench.run import run as run_bench

    typer.echo(run_bench(out, device, processor()))


@app.command(name="costs", rich_help_panel=UPKEEP)
def write_costs(
    scale: Annotated[str, _option("scale")],
    study: Annotated[str, _option("study")],
    params: Params = PARAMS,
) -> None:
    """Print what the runs of a study cost, and write it beside the costs of its jobs."""
    page = costs.page(configs.load(scale, params), scale, study)
    records.write_text(paths.COSTS_PAGE.format(scale=scale, study=study), page)
    typer.echo(page, nl=False)


@app.command(name="quality", rich_help_panel=UPKEEP)
def write_quality(
    scale: Annotated[str, _option("scale")],
    task: Annotated[str, _option("task")],
    params: Params = PARAMS,
) -> None:
    """Compare all estimators of a task by rank quality and seconds; a page and a figure beside the costs."""
    config = configs.load(scale, params)
    rows = quality.table(config, scale, task)
    page, figure = (make(rows, config, scale, task) for make in (quality.page, quality.draw))
    records.write_text(paths.QUALITY.format(scale=scale, task=task, form="md"), page)
    for form in ("svg", "png"):
        records.write_bytes(paths.QUALITY.format(scale=scale, task=task, form=form), figures.render(figure, form))
    typer.echo(page, nl=False)


@app.command(name="readme", rich_help_panel=UPKEEP)
def write_readme(
    path: Annotated[Path, typer.Argument(help="A file with the markers; docs/ beside it.")] = Path("README.md"),
    check: Annotated[bool, typer.Option("--check", help="Change nothing, fail if one is stale.")] = False,
) -> None:
    """Rewrite the numbers in README.md and docs/, between their markers, from the files beside them."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; run from the folder that holds it, or name it")
    root = path.parent
    results, speed = readme.fragment(root), readme.speeds(root)
    pages = {path: _filled(path, lambda text: readme.fill(readme.fill(text, "results", results), "speed", speed))}
    pages |= {page: _filled(page, lambda text: inline.fill(text, root)) for page in sorted(root.glob("docs/*.md"))}
    for page, text in pages.items():
        if check and text != page.read_text():
            raise UserError(f"{page}: its numbers are not those of the files below results/; run `supernet readme`")
        if text != page.read_text():
            records.write_text(page, text)


def _filled(page: Path, fill: Callable[[str], str]) -> str:
    try:
        return fill(page.read_text())
    except UserError as error:
        raise UserError(f"{page}: {error}") from None


def main() -> None:
    """Entry point: errors that a user can cause are one line and status 2, an interrupted run is status 130."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the pipeline's shell ignores it, so that what we print has a reader
    try:
        sys.exit(app(prog_name="supernet", standalone_mode=False))
    except UserError as error:
        _fail(error, 2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if hasattr(error, "format_message"):  # a mistake on the command line; no message: the help has been shown
            message = " ".join(error.format_message().split())
            _fail(f"{message} ({error.ctx.command_path} --help)" if message and error.ctx else message, 2)
        if type(error).__name__ == "Interrupted":
            _fail(error, INTERRUPTED)
        raise


def _fail(message: object, status: int) -> NoReturn:
    if str(message) and ranks.leads():
        print(f"supernet: {message}", file=sys.stderr)
    sys.exit(status)
