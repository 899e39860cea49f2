"""Digest of what a stage's code means: Snakemake sees a rule's own text, never the modules it imports."""

import ast
import functools
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parent


def digest(*modules: str) -> str:
    """Digest of the import closure of ``modules`` (dotted names inside the package, as ``supernet.train``).

    It covers the syntax trees without docstrings, so a comment changes nothing and a real edit changes the digest of
    every stage that can reach it. Plug-ins are loaded by name: pass the plug-in's module too.
    """
    closure: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in closure:
            closure.add(module)
            waiting += _imports(module)
    text = "\n".join(f"{module} {_meaning(module)}" for module in sorted(closure))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _source(module: str) -> Path | None:
    base = PACKAGE.joinpath(*module.split(".")[1:])
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


@functools.cache
def _tree(module: str) -> ast.Module:
    tree = ast.parse(_source(module).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@functools.cache
def _meaning(module: str) -> str:
    return hashlib.sha256(ast.dump(_tree(module)).encode()).hexdigest()


@functools.cache
def _imports(module: str) -> tuple[str, ...]:
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    inside = {n for n in names if n == "supernet" or n.startswith("supernet.")}
    return tuple(sorted(n for n in inside if _source(n)))
