"""One job of the pipeline: what it computes, from which settings and files, into which files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supernet import records


@dataclass(frozen=True)
class Job:
    """A stage with everything its result depends on.

    * ``stage``: the module in `supernet.stages` that runs it.
    * ``settings``: all parameters that can change its numbers, as JSON values.
    * ``inputs``, ``outputs``: paths by role; an input may be a list of paths.
    * ``plugins``: modules that the stage loads by name, for the digest of its code.
    """

    stage: str
    settings: Mapping[str, Any]
    outputs: Mapping[str, str]
    inputs: Mapping[str, str | list[str]] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()

    @property
    def sources(self) -> list[str]:
        """All input files."""
        return [p for value in self.inputs.values() for p in ([value] if isinstance(value, str) else value)]

    @property
    def first(self) -> str:
        """The first output: a job is known by it."""
        return next(iter(self.outputs.values()))

    @property
    def key(self) -> str:
        """The settings as one sorted line of JSON: equal if and only if they are equal."""
        return json.dumps(self.settings, sort_keys=True, separators=(",", ":"))

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules whose import closure is the job's code."""
        return (f"supernet.stages.{self.stage}", *self.plugins)

    def stamp(self) -> dict[str, Any]:
        """The provenance of the job's outputs."""
        return records.stamp(self.stage, self.settings, self.sources)
