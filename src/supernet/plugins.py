"""Plug-ins: the registry is the directory. A file's name is its ``kind`` in params.yaml; nobody edits a list."""

import importlib
from pathlib import Path
from types import ModuleType

from supernet.errors import UserError

PACKAGE = Path(__file__).parent


def kinds(folder: str) -> list[str]:
    """Names of the plug-ins of a folder: its modules that do not start with an underscore."""
    return sorted(p.stem for p in (PACKAGE / folder).glob("*.py") if not p.stem.startswith("_"))


def load(folder: str, kind: str) -> ModuleType:
    """The module of the plug-in ``kind``; raises ``UserError`` naming the known ones if there is no such file."""
    if kind not in kinds(folder):
        raise UserError(f"{folder}: no {kind!r}; known: {', '.join(kinds(folder))}")
    return importlib.import_module(f"supernet.{folder}.{kind}")
