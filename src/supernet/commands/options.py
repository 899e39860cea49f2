"""The options that commands share, and what the shell offers to complete them with."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from supernet import params, published
from supernet.errors import UserError


def scales() -> list[str]:
    """Scales of the params.yaml at hand."""
    return params.scales()


def entries(section: str) -> Callable[[], list[str]]:
    """What completes the name of an entry of ``section`` of params.yaml."""

    def known() -> list[str]:
        found = params.read("params.yaml").get(section)
        return [name for name in found if isinstance(name, str)] if isinstance(found, dict) else []

    return known


def runs() -> list[str]:
    """Runs that have been trained, in `published.load`'s short form."""
    return published.names()


def completing(known: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """``known`` as typer wants it; where params.yaml is missing or wrong, nothing is offered and nothing fails."""

    def complete(incomplete: str) -> list[str]:
        try:
            return [name for name in known() if name.startswith(incomplete)]
        except UserError:
            return []

    return complete


Params = Annotated[Path, typer.Option(help="The file of all parameters.")]
Scale = Annotated[str | None, typer.Option(help="Entry of `scales` in params.yaml.", autocompletion=completing(scales))]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, for scripts.")]
RunName = Annotated[
    str,
    typer.Option(
        help="A finished run: SCALE/TASK/METHOD/sSEED (with /iN for an earlier iteration), or its folder.",
        metavar="RUN",
        autocompletion=completing(runs),
    ),
]
Estimator = Annotated[
    str | None,
    typer.Option(
        help="Entry of `estimators` in params.yaml; the first one by default.",
        autocompletion=completing(entries("estimators")),
    ),
]
Epoch = Annotated[int | None, typer.Option(help="A checkpoint of the run; the last one by default.")]
PARAMS = Path("params.yaml")
