"""The import rules of the house: an import may only point down, and tables need no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "supernet"
LAYERS = {
    5: ["cli", "runner", "commands", "published", "stages", "bench"],
    4: ["searchers", "report"],
    3: ["estimators", "methods", "regularisers"],
    2: ["train", "step", "standalone", "predictors", "tables"],
    1: ["spaces", "nets", "ranking"],
    0: [
        "arch", "landmarks", "seeding", "records", "paths", "metrics", "intervals", "config", "params", "settings",
        "plugins", "states", "checkpoints", "plan", "job", "digest", "device", "data", "datasets", "errors",
        "criteria", "factorial", "sections", "studies", "schedules", "runs", "ranks", "dag", "lineage", "chain",
    ],
}  # fmt: skip
LAYER = {part: layer for layer, parts in LAYERS.items() for part in parts}
NEVER = {
    ("estimators", "methods"), ("methods", "estimators"), ("methods", "regularisers"), ("nets", "spaces"),
    ("estimators", "regularisers"), ("regularisers", "estimators"),
}  # fmt: skip
TORCH_FREE = [
    "arch", "landmarks", "metrics", "intervals", "config", "plan", "runs", "lineage", "digest", "paths", "records",
    "tables", "spaces", "spaces.nasbench201", "cli", "dag", "published", "commands.describe", "commands.rank",
    "commands.score", "commands.status",
]  # fmt: skip


def part_of(module: str) -> str:
    return module.split(".")[1]


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "supernet":
                yield from (f"supernet.{alias.name}" for alias in node.names)
            else:
                yield node.module


def sources():
    return sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def test_every_module_has_a_layer():
    assert {p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in sources()} == set(LAYER)


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imports(path):
        if module.startswith("supernet."):
            other = part_of(module)
            assert LAYER[other] <= LAYER[own], f"{own} imports {other}"
            assert (own, other) not in NEVER, f"{own} may never import {other}"
        assert module.split(".")[0] not in ("snakemake", "dvc", "mlflow"), "the library knows none of the three"


def test_what_needs_no_torch_imports_none():
    code = "; ".join(f"import supernet.{m}" for m in TORCH_FREE) + "; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_file_is_longer_than_a_room():
    long = {str(p.relative_to(PACKAGE)): n for p in sources() if (n := len(p.read_text().splitlines())) > 300}
    assert not long
