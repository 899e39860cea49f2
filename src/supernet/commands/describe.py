"""`supernet describe`: what a name of the project stands for: a search space, an entry of params.yaml, a plug-in."""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Annotated, Any

import typer
import yaml

from supernet import arch as archs
from supernet import config as configs
from supernet import params as texts
from supernet import plugins, spaces
from supernet.commands import show
from supernet.commands.options import PARAMS, Json, Params, Scale, completing, entries
from supernet.config import Config
from supernet.errors import UserError

FOLDERS = {  # sections of params.yaml, and the folder that the `kind` of their entries is a file of
    "tasks": None, "methods": "methods", "studies": None, "searchers": "searchers", "estimators": "estimators",
    "landmarks": None, "data": "datasets", "tables": "tables",
}  # fmt: skip
PLUGINS = ("methods", "regularisers", "estimators", "searchers", "predictors", "datasets", "tables")
COUNTED = 100_000  # architectures, up to which isomorphism classes are counted


def known() -> list[str]:
    """Every name that can be described."""
    files = [name for folder in ("spaces", *PLUGINS) for name in plugins.kinds(folder)]
    return sorted({*files, *(name for section in FOLDERS for name in entries(section)())})


def describe(
    name: Annotated[
        str | None, typer.Argument(help="A name; without one, all names are listed.", autocompletion=completing(known))
    ] = None,
    scale: Scale = None,
    params: Params = PARAMS,
    json: Json = False,
) -> None:
    """What a name stands for: a search space, or a method, study, task, searcher, … of params.yaml.

    Settings are resolved: bases and the scale are merged in. Without --scale it is the last one of params.yaml.
    """
    scale = scale or texts.scales(params)[-1]
    chosen = configs.load(scale, params)
    if name is None:
        listed = {"spaces": plugins.kinds("spaces"), **{section: list(getattr(chosen, section)) for section in FOLDERS}}
        if json:
            return show.as_json(listed)
        return print("\n".join(f"{section}: {', '.join(names)}" for section, names in listed.items()))
    found = answer(chosen, scale, name)
    if not found:
        raise UserError(f"{name!r}: no search space, entry of {params} or plug-in; `supernet describe` lists the names")
    if json:
        return show.as_json(found)
    return print("\n\n".join(_text(entry) for entry in found))


def answer(config: Config, scale: str, name: str) -> list[dict[str, Any]]:
    """All that ``name`` stands for, in the order space, entries of params.yaml, plug-ins that no entry explains."""
    found = [_space(config, name)] if name in plugins.kinds("spaces") else []
    found += [_entry(config, scale, section, name) for section in FOLDERS if name in getattr(config, section)]
    explained = {(FOLDERS[entry["is"]], entry.get("kind")) for entry in found if entry["is"] in FOLDERS}
    explained |= {
        ("regularisers", entry["settings"]["regulariser"]["kind"]) for entry in found if "regulariser" in entry
    }
    left = [f for f in PLUGINS if name in plugins.kinds(f) and (f, name) not in explained]
    return found + [{"is": f"file of {folder}", "name": name, **_plugin(folder, name)} for folder in left]


def _space(config: Config, name: str) -> dict[str, Any]:
    space = spaces.load(name)
    size = archs.size(space.choices)
    first = tuple(0 for _ in space.choices)
    about = {
        "is": "search space",
        "name": name,
        "about": inspect.cleandoc(inspect.getmodule(type(space)).__doc__ or ""),
        "size": size,
        "choices": {choice.name: list(choice.options) for choice in space.choices},
        "example": space.format(first),
        "tasks": [task for task, chosen in config.tasks.items() if chosen.space == name],
    }
    if size <= COUNTED:
        about["isomorphism classes"] = len({space.canonical(arch) for arch in archs.enumerate_archs(space.choices)})
        about["isomorphism"] = inspect.cleandoc(space.canonical.__doc__ or "")
    return about


def _entry(config: Config, scale: str, section: str, name: str) -> dict[str, Any]:
    entry = getattr(config, section)[name]
    settings = entry.model_dump(mode="json", exclude_none=True)
    about = {"is": section, "name": name, "scale": scale}
    if FOLDERS[section]:
        about |= {"kind": entry.kind, **_plugin(FOLDERS[section], entry.kind)}
        settings["args"] = {**about.pop("args", {}), **settings["args"]}
    if section == "methods":
        if entry.regulariser is not None:
            added = _plugin("regularisers", entry.regulariser.kind)
            about["regulariser"] = f"{added['file']}\n\n{added['about']}"
            settings["regulariser"]["args"] = {**added.get("args", {}), **settings["regulariser"]["args"]}
        about["studies"] = [study for study, chosen in config.studies.items() if name in chosen.methods]
    return about | {"settings": settings}


def _plugin(folder: str, kind: str) -> dict[str, Any]:
    """What a plug-in's file says of itself, and its arguments with their defaults; read, not imported: no torch."""
    tree = ast.parse((plugins.PACKAGE / folder / f"{kind}.py").read_text())
    about = {"file": f"src/supernet/{folder}/{kind}.py", "about": ast.get_docstring(tree) or ""}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "make":
            fields = configs.schema(folder, kind).model_fields
            about["args"] = {name: None if field.is_required() else field.default for name, field in fields.items()}
            about["about"] = "\n\n".join(filter(None, (about["about"], ast.get_docstring(node))))
    return about


def _text(entry: dict[str, Any]) -> str:
    at = f" (scale {entry['scale']})" if "scale" in entry else ""
    text = "\n".join([f"{entry['name']}: {entry['is']}{at}", *_lines(entry)])
    return re.sub("\n{3,}", "\n\n", text).rstrip()


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    for key, value in entry.items():
        match value:
            case _ if key in ("is", "name", "scale"):
                continue
            case str() if "\n" in value or key in ("about", "regulariser", "isomorphism"):
                yield from ("", *([] if key == "about" else [f"{key}:"]), value, "")
            case dict():
                text = yaml.safe_dump(value, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True)
                yield from (f"{key}:", *(f"  {line}" for line in text.splitlines()))
            case list():
                yield f"{key}: {', '.join(map(str, value)) or 'none'}"
            case int():
                yield f"{key}: {value:,}"
            case _:
                yield f"{key}: {value}"
