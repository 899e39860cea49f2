"""The page of a made-up study: complete, true to its files, the same again; one line where a file is not right."""

import dataclasses
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import yaml
from test_report import CLAIMS, PAPER, SCALE, STUDY

from supernet import config as configs
from supernet import paths, plan, records
from supernet.errors import UserError
from supernet.report.ledger import VERDICTS
from supernet.report.site import forest, graph, pages, plots, results
from supernet.report.site.build import beside, script
from supernet.report.summary import OTHERS
from supernet.stages import ledger, measure, summary

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "workflow" / "scripts" / "report.py"
sys.path.insert(0, str(SCRIPT.parent))
import stages  # noqa: E402 - a script, of no package

COSTS = """# Costs: a made-up study

Core-hours.

| method | training | search | scoring | ratio | landmarks, trained alone |
|---|---|---|---|---|---|
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, configs.Config]:
    """A folder with params.yaml and the results of its one study, written by the stages themselves."""
    root = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        (root / "workflow" / "claims").mkdir(parents=True)
        (root / "workflow" / "schemas").symlink_to(ROOT / "workflow" / "schemas")
        (root / "workflow" / "claims" / f"{CLAIMS}.yaml").write_text(yaml.safe_dump(PAPER))
        tiny.load(root, SCALE, bootstrap=2)
        raw = yaml.safe_load((root / "params.yaml").read_text())
        raw["studies"] = {STUDY: {**raw["studies"][STUDY], "scales": [SCALE]}}
        (root / "params.yaml").write_text(yaml.safe_dump(raw))
        config = configs.load(SCALE)
        measure.run(tiny.write_study(config, STUDY, SCALE), root)
        summary.run(plan.summary(config, scale=SCALE, study=STUDY), root)
        ledger.run(plan.ledger(config, scale=SCALE, claims=CLAIMS), root)
        rows = [
            f"| {m} | 0.1 | 0.01 | 0.02 | 1.00 | {'200' if 'landmark' in m else '–'} |"
            for m in raw["studies"][STUDY]["methods"]
        ]
        records.write_text(paths.COSTS_PAGE.format(scale=SCALE, study=STUDY), COSTS + "\n".join(rows) + "\n")
    return root, config


@pytest.fixture
def copy(made: tuple[Path, configs.Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to spoil, as the current folder."""
    shutil.copytree(made[0], tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def study(made: tuple[Path, configs.Config], monkeypatch: pytest.MonkeyPatch) -> results.Study:
    monkeypatch.chdir(made[0])
    (found,) = results.studies(made[1], SCALE)
    return found


def run(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, "--scale", SCALE]
    return subprocess.run(
        command, cwd=root, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_equal_results_give_equal_bytes_that_need_no_network(made: tuple[Path, configs.Config]) -> None:
    root, found = made[0], []
    for seed in "12":
        done = run(root, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        found.append((root / "results" / "site" / f"{SCALE}.html").read_bytes())
    assert found[0] == found[1] and len(found[0]) < 10e6
    text = found[0].decode()
    assert str(root) not in text and str(ROOT) not in text
    own = re.sub(
        r"<script>.*?</script>|<style>.*?</style>", "", text, flags=re.DOTALL
    )  # plotly.js names addresses that it never asks
    assert not re.search(r"""(src|href)=["'](?!#|data:,)""", own)
    assert "snakemake reduced_study_landmark-controls" in text and "direction" in text


def test_every_number_of_a_table_is_the_one_that_its_card_shows(study: results.Study) -> None:
    numbers = pages.Numbers([study])
    seen = 0
    for block in pages.study_blocks(study, numbers):
        for line in block.body:
            for name, cell in zip(block.head, line, strict=True):
                if cell.row is not None:
                    shown = "sampled" if name == OTHERS else "value"  # both are on the card
                    if cell.order == "":
                        assert cell.html == "–" and math.isnan(numbers.table.loc[cell.row, shown])
                        seen += 1
                        continue
                    row, factor = numbers.table.loc[cell.row], 100 if "%," in f"{name}," and "P@" not in name else 1
                    digits = len(str(cell.order).partition(".")[2])
                    assert cell.order == pytest.approx(row[shown] * factor, abs=0.51 * 10**-digits)
                    seen += 1
    assert seen == len(study.table)


def test_the_ledger_shows_every_entry_with_its_verdict_in_words(
    made: tuple[Path, configs.Config], study: results.Study
) -> None:
    (found,) = results.ledgers(made[1], SCALE)
    numbers = pages.Numbers([study])
    body = pages.ledger_block(found, numbers).body
    assert len(body) == len(found.table) == 4
    for line in body:
        assert any(f"</span> {name}</span>" in line[0].html for name in VERDICTS)
        assert (line[5].row is None) == ("not attempted" in line[0].html)
        if line[5].row is not None:
            assert numbers.table.loc[line[5].row, "value"] == pytest.approx(line[5].order, rel=1e-5)
    assert len({pages.SIGNS[name] for name in VERDICTS}) == len(VERDICTS)


def test_no_two_methods_look_alike_without_colour() -> None:
    styles = plots.looks(f"m{i}" for i in range(40))
    assert len({(s["color"], s["symbol"], s["dash"]) for s in styles.values()}) == 40
    first = [(s["symbol"], s["dash"]) for s in list(styles.values())[:14]]
    assert len(set(first)) == 14


def test_figures_show_all_methods_seeds_and_architectures(study: results.Study) -> None:
    methods, seeds = study.settings["methods"], study.settings["seeds"]
    ranks = plots.ranks([study])
    assert [label for label, _ in ranks.choices] == [f"{m}, seed {s}" for m in methods for s in seeds]
    study_of = {**study.settings["study"], "task": "elsewhere"}
    elsewhere = dataclasses.replace(study, settings={**study.settings, "study": study_of})
    both = [label for label, _ in plots.ranks([study, elsewhere]).choices]
    (method, _), *_ = study.settings["study"]["contrasts"]  # it is shown beside the first one
    wanted = f"{method.partition('@')[0]}, seed {seeds[0]}"
    assert ranks.choices[beside(study, ranks)][0] == wanted
    task = study.settings["study"]["task"]
    assert both[beside(study, plots.ranks([study, elsewhere]))] == f"{wanted}, {task}"
    assert len(set(both)) == 2 * len(ranks.choices) and both[-1].endswith(", elsewhere")
    points = ranks.choices[0][1][0]["data"][0]
    assert len(points["x"]) == len(study.truth) and points["text"][0].startswith(study.truth.index[0])
    curves = plots.curves(study, plots.looks(methods))
    assert {trace["name"] for panel in curves.choices[0][1] for trace in panel["data"]} == set(methods)
    shown = [note["text"] for note in forest.effects(study).choices[0][1][0]["layout"]["annotations"]]
    assert shown[: len(methods)] == list(methods) and "parameters" in shown
    hours = pages.hours(study)
    assert hours["landmark"] == {"supernet": pytest.approx(0.11), "landmarks": 200}
    (figure,) = plots.compute([study], hours, plots.looks(methods)).choices[0][1]
    lengths = {trace["name"]: len(trace["x"]) for trace in figure["data"]}
    assert lengths["spos"] == 1 and lengths["landmark"] == 2  # without landmarks there is nothing to add


def test_choices_after_the_first_hold_what_differs() -> None:
    old = {"a": 1, "b": {"c": [1, 2], "d": 3}, "e": [{"x": 1, "y": 2}], "f": 0}
    new = {"a": 1, "b": {"c": [1, 3], "d": 3}, "e": [{"x": 1, "y": 5}], "g": 7}
    plot = plots.Plot("p", "", "", [("one", [old]), ("two", [new])])
    assert plot.compact == [("one", [old]), ("two", [{"b": {"c": [1, 3]}, "e": [{"y": 5}], "f": None, "g": 7}])]


def test_every_stage_is_of_a_rule() -> None:
    names = {path.stem for path in Path(ledger.__file__).parent.glob("[a-z]*.py")}
    assert {graph.OF_STAGE.get(name, name) for name in names} == set(graph.RULES)


def test_rules_are_drawn_apart_with_all_that_they_read(
    made: tuple[Path, configs.Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made[0])
    jobs = [job for stage in stages.stages(made[1], SCALE) for job in stage.jobs]
    rules = graph.rules(jobs)
    assert sum(len(rule.jobs) for rule in rules) == len(jobs)
    reads = {rule.name: rule.reads for rule in rules}
    assert reads["train"] == {"data", "train", "truth"} and reads["summary"] == {"measure"}
    drawing = graph.draw(rules)
    assert {(a, b) for a, b, _, _ in drawing.edges} == {(a, b) for b in reads for a in reads[b] if a != b}
    assert {(a, b) for a, b, _, loop in drawing.edges if loop} == {("search", "archs")}
    assert all(graph.draw(rules) == drawing for _ in range(20))  # not by the addresses of objects
    places = {name: (x, y) for name, x, y in drawing.boxes}
    for a, (x, y) in places.items():
        assert 0 <= x <= drawing.width - graph.BOX[0] and 0 <= y <= drawing.height - graph.BOX[1]
        assert all(abs(x - v) >= graph.BOX[0] or abs(y - w) >= graph.BOX[1] for b, (v, w) in places.items() if a != b)
    assert places["measure"][1] > places["score"][1] > places["train"][1] > places["truth"][1]


@pytest.mark.parametrize("name", ["metrics/{}.parquet", "report/{}/table.md", "costs/{}.md", "scores/{}"])
def test_a_missing_file_is_one_line_that_says_what_makes_it(copy: Path, name: str) -> None:
    path = Path(
        "results",
        SCALE,
        name.format(STUDY if "scores" not in name else "nasbench201-cifar10/spos/oneshot/s1/i1.parquet"),
    )
    path.unlink()
    done = run(copy)
    assert done.returncode and len(done.stderr.splitlines()) == 1
    if "costs" in name:  # made anew from the costs of the jobs, of which a made-up study has none
        assert f"results/{SCALE}/costs/runs" in done.stderr
    else:
        assert done.stderr.startswith(f"supernet: {path}: no such file; `snakemake reduced_study_{STUDY}` makes it")


def test_results_of_other_params_are_one_line(copy: Path) -> None:
    raw = yaml.safe_load(Path("params.yaml").read_text())
    raw["metrics"]["bootstrap"] = 3
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    with pytest.raises(
        UserError, match=r"\(settings\.metrics\.bootstrap: 2, params\.yaml asks for 3\); `snakemake .*` makes it again"
    ):
        results.studies(configs.load(SCALE), SCALE)


def test_a_costs_page_that_lacks_a_method_says_what_makes_it(copy: Path) -> None:
    path = Path(paths.COSTS_PAGE.format(scale=SCALE, study=STUDY))
    path.write_text("".join(line for line in path.open() if not line.startswith("| landmark |")))
    with pytest.raises(UserError, match=rf"{path}: lacks landmark; .* supernet costs --scale {SCALE} --study {STUDY}"):
        results.studies(configs.load(SCALE), SCALE)


def test_a_table_of_other_metrics_is_refused(copy: Path) -> None:
    path = Path(paths.METRICS.format(scale=SCALE, study=STUDY))
    records.write_table(path, records.read_table(path).iloc[1:], records.provenance(path))
    with pytest.raises(UserError, match="was made from another results/reduced/metrics"):
        results.studies(configs.load(SCALE), SCALE)


def test_a_scale_without_studies_is_one_line(made: tuple[Path, configs.Config]) -> None:
    with pytest.raises(UserError, match="none has scale 'full', so there is nothing to report"):
        results.studies(made[1], "full")


def test_pages_of_prose_come_along_with_pictures_without_comments_and_links(tmp_path: Path) -> None:
    text = """# Is it?

![A figure](figure.png)

It <!--? reduced/S; A; Q; is; is not; may be -->is<!--.-->: see [the page](../results/page.md), **mind**.

## How

| | tau |
|---|---|
| A | <!--= reduced/S; A; Q -->0.5 [0.4, 0.6]<!--.--> |
"""
    (tmp_path / "is-it-the-ranking.md").write_text(text)
    (tmp_path / "concepts.md").write_text(text)
    with pytest.raises(UserError, match=r"figure\.png: no such file"):
        list(pages.readings("reduced", tmp_path))
    (tmp_path / "figure.png").write_bytes(b"PNG")
    ((name, title, blocks),) = pages.readings("reduced", tmp_path)
    assert (name, title) == ("is-it-the-ranking", "Is it?")
    picture, first, heading, table = blocks
    assert picture.html == '<p><img src="data:image/png;base64,UE5H" alt="A figure" /></p>\n'
    assert first.html == "<p>It is: see the page, <strong>mind</strong>.</p>\n" and "<h3>How</h3>" in heading.html
    assert table.head == ["", "tau"] and [cell.html for cell in table.body[0]] == ["A", "0.5 [0.4, 0.6]"]
    assert list(pages.readings("full", tmp_path)) == []


def test_no_text_ends_a_script() -> None:
    text = str(script({"a": "</script><!-- x"}))
    assert "<" not in text and json.loads(text) == {"a": "</script><!-- x"}
