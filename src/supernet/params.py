"""The text of params.yaml: read strictly, with scales and bases merged. What the values mean is `supernet.config`'s."""

import functools
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from supernet.errors import UserError
from supernet.factorial import Factorial

BASED = ("tasks", "methods", "studies")  # sections whose entries may name a base
NAME = r"[a-z0-9-]+"  # of entries and scales, which become folders


def scales(path: str | Path = "params.yaml") -> list[str]:
    """Names of the scales of ``path``; ``UserError`` if it has none, or what is no name of a folder."""
    found = read(path).get("scales")
    if not isinstance(found, dict) or not found:
        raise UserError(f"{path}: scales: expected a mapping of at least one name to what it changes")
    for name, changes in found.items():
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            raise UserError(f"{path}: scales.{name}: expected a name of small letters, digits and hyphens")
        if not isinstance(changes, dict | None):
            raise UserError(f"{path}: scales.{name}: expected a mapping of sections, got {changes!r}")
    return list(found)


@functools.lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text(), Loader=Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the latter two: no text, no such day, too deep
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise UserError(f"{path}: expected a mapping of sections")
    return raw


def read(path: str | Path) -> dict[str, Any]:
    """The unresolved content of ``path``; ``UserError`` if it is missing, no YAML, or names a key twice."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; run from the folder that holds it, or name it with --params")
    return _read(path, path.stat().st_mtime_ns)


def merge(base: Any, over: Any) -> Any:
    """``over`` merged recursively over ``base``: mappings merge, anything else replaces.

    A plug-in of another ``kind`` inherits no ``args``.
    """
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    if over.get("kind", base.get("kind")) != base.get("kind"):
        base = {k: v for k, v in base.items() if k != "args"}
    return {**base, **over, **{k: merge(base[k], over[k]) for k in base if k in over}}


def at_scale(path: str | Path, scale: str) -> dict[str, Any]:
    """The content of ``path`` with the entry ``scale`` merged over it and every task, method and study over its bases.

    The methods of every factorial are added, and to the study that names one. Raises ``UserError`` for an unknown
    scale, an unknown base or a cycle of bases, pydantic's ``ValidationError`` for what is no factorial.
    """
    raw = read(path)
    if scale not in scales(path):
        raise UserError(f"{path}: scales.{scale}: no such scale; known: {', '.join(scales(path))}")
    merged = merge({k: v for k, v in raw.items() if k != "scales"}, raw["scales"][scale] or {})
    merged = _with_factorials(merged, str(path))
    for section in BASED:
        entries = merged.get(section)
        if not isinstance(entries, dict):
            continue  # the models say what is wrong with it
        resolved = {name: _with_bases(entries, name, f"{path}: {section}", ()) for name in entries}
        # Entries without a base first, so that an error is reported where it stands and not where it is inherited.
        merged[section] = dict(sorted(resolved.items(), key=lambda entry: _based(entries[entry[0]])))
    return merged


def _with_factorials(merged: dict[str, Any], path: str) -> dict[str, Any]:
    """``merged`` with an entry for every method of a factorial but its base, and with their names in its studies."""
    designs = _Factorials.model_validate({"factorials": merged.get("factorials") or {}}).factorials
    methods, studies = merged.get("methods") or {}, merged.get("studies") or {}
    if not (isinstance(methods, dict) and isinstance(studies, dict)):
        return merged
    methods, studies = dict(methods), dict(studies)
    for name, design in designs.items():
        for method, levels in design.methods(name).items():
            changes = [change for change, level in zip(design.factors.values(), levels, strict=True) if level]
            if changes:
                methods[method] = functools.reduce(merge, changes, {"base": design.base})
    for name, study in studies.items():
        if isinstance(study, dict) and (design := study.get("factorial")):
            if "methods" in study:
                raise UserError(f"{path}: studies.{name}: has methods and a factorial, which has its own; keep one")
            if design not in designs:
                known = ", ".join(designs)
                raise UserError(f"{path}: studies.{name}.factorial: no {design!r} in factorials; known: {known}")
            studies[name] = {**study, "methods": list(designs[design].methods(design))}
    return {**merged, "methods": methods, "studies": studies}


class _Factorials(BaseModel):
    factorials: dict[str, Factorial]


def _based(entry: Any) -> bool:
    return isinstance(entry, dict) and "base" in entry


def _with_bases(entries: dict[str, Any], name: str, where: str, chain: tuple[str, ...]) -> Any:
    """The entry ``name`` merged over its ``base``."""
    if name in chain:
        raise UserError(f"{where}.{name}.base: a cycle ({' -> '.join((*chain, name))})")
    if name not in entries:
        raise UserError(f"{where}.{chain[-1]}.base: no {name!r}; known: {', '.join(entries)}")
    entry = entries[name]
    if not _based(entry):
        return entry
    if not isinstance(entry["base"], str):
        raise UserError(f"{where}.{name}.base: expected the name of another entry")
    base = _with_bases(entries, entry["base"], where, (*chain, name))
    return merge(base, {k: v for k, v in entry.items() if k != "base"})


class Loader(yaml.SafeLoader):
    """YAML that reads ``1e-3`` as a number and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        twice = {k for k in keys if keys.count(k) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {sorted(map(str, twice))[0]!r} stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)
