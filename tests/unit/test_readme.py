"""README.md and docs/: the code that they show runs or is the code's own, and what they name exists."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from supernet import arch, metrics, params, records, spaces
from supernet.report import readme
from supernet.seeding import stream

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()
DEVIATION = re.compile(r"\bD\d\d\b")


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [code for name, code in found if name == language]


def test_the_readmes_python_runs_as_it_stands(tmp_path, monkeypatch):
    """On a made-up table in which accuracy is the number of 3x3 convolutions, in percent."""
    space = spaces.load("nasbench201")
    archs = list(dict.fromkeys(arch.sample(space.choices, stream(0, "readme", i)) for i in range(40)))
    accuracy = [a.count(3) / 100 for a in archs]
    counts = [space.parameters(a, width=16, cells=5, classes=10) for a in archs]
    table = pd.DataFrame({"arch": [space.format(a) for a in archs], "params": counts, "flops": 1.0})
    table["cifar10_test_200"] = accuracy
    monkeypatch.chdir(tmp_path)
    records.write_table("results/demo/tables/nasbench201.parquet", table, {})
    _, code = blocks(ROOT / "README.md", "python")  # the first one needs a finished run: workflow/test_published.py
    shown = {}
    exec(compile(code, "README.md", "exec"), shown)
    assert shown["arch"] == (3, 3, 3, 1, 3, 2)
    assert shown["logits"].shape == (2, 10)
    parameters = sum(p.numel() for p in shown["alone"].parameters())
    assert parameters == space.parameters(shown["arch"], width=16, cells=5, classes=10)
    assert shown["tau"] == metrics.kendall_tau(accuracy, counts) == pytest.approx(shown["sparse"])
    assert 0.9 < shown["rho"] < 1  # a 3x3 convolution outweighs any number of 1x1 ones, which break its ties
    best = sorted(zip(counts, accuracy, strict=True))[-1]
    assert shown["lost"] == pytest.approx(max(accuracy) - best[1])
    assert shown["top"] == metrics.precision_at_k(accuracy, counts, k=2)  # 5 % of the 40 rows
    assert shown["table"]["arch"].tolist() == table["arch"].tolist()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_quoted_code_is_the_codes_own(page):
    """A Python block whose first line names a file is a part of that file."""
    for block in blocks(page, "python"):
        first, _, rest = block.partition("\n")
        if first.startswith("# src/"):
            assert rest in (ROOT / first.removeprefix("# ")).read_text(), rest


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_quoted_parameters_are_those_of_the_project(page):
    """A block whose first line names another file has keys of that file."""
    raw = params.read(ROOT / "params.yaml")
    for block in blocks(page, "yaml"):
        first, _, rest = block.partition("\n")
        if first.startswith("# profiles/"):
            known = (ROOT / first.removeprefix("# ")).read_text()
            assert all(f"{key}:" in known for key in yaml.safe_load(rest)), rest
            continue
        assert params.merge(raw, yaml.load(block, Loader=params.Loader)) == raw


def test_every_page_is_in_the_sites_navigation():
    index = (ROOT / "docs" / "index.md").read_text().splitlines()
    for page in (ROOT / "docs").glob("*.md"):
        assert page.stem == "index" or page.stem in index, f"docs/index.md: name {page.stem} in one of its lists"


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)}
    assert {"demo", "test", "tables", "ui"} <= named <= targets


def test_every_deviation_is_listed_once_and_every_id_is_a_listed_one():
    listed = re.findall(r"^\| (D\d\d) \|", (ROOT / "docs" / "deviations.md").read_text(), re.MULTILINE)
    assert listed == [f"D{i:02d}" for i in range(1, len(listed) + 1)]
    files = [*(ROOT / "src").rglob("*.py"), *PAGES, ROOT / "params.yaml"]
    assert {found for path in files for found in DEVIATION.findall(path.read_text())} == set(listed)


def test_the_map_names_every_module_of_the_package():
    (tree,) = (block for block in blocks(ROOT / "README.md", "") if "src/supernet/" in block)
    words = set(re.findall(r"[a-z0-9]+", tree))
    modules = {p.stem for p in (ROOT / "src" / "supernet").iterdir() if not p.name.startswith("_")}
    assert modules <= words


def test_the_results_have_their_place():
    for name in ("results", "speed"):
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, after = README.split(begin)[0], README.split(end)[1]
        assert readme.fill(README, name, "| new |") == f"{before}{begin}\n| new |\n{end}{after}"
