import io

import pandas as pd
import pytest
import tiny

from supernet import cli, plan, records
from supernet.errors import UserError
from supernet.report import figures, readme, speed, summary
from supernet.report.rows import frame, select
from supernet.stages import figures as figures_stage
from supernet.stages import ledger as ledger_stage
from supernet.stages import measure
from supernet.stages import summary as summary_stage

SCALE, STUDY = "reduced", "landmark-controls"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a made-up study, written by the stages themselves."""
    root = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        (root / "workflow").symlink_to(tiny.PARAMS.parent / "workflow")
        config = tiny.load(root, SCALE, bootstrap=2)
        measure.run(tiny.write_study(config, STUDY, SCALE), root)
        jobs = {f.__name__: f(config, scale=SCALE, study=STUDY) for f in (plan.summary, plan.figures, plan.ledger)}
        for name, stage in (("summary", summary_stage), ("figures", figures_stage), ("ledger", ledger_stage)):
            stage.run(jobs[name], root)
        yield root, jobs


def row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_cells_print_value_and_interval():
    percent = summary.Quantity("found, %", {}, 100, 2)
    nan = float("nan")
    assert percent.cell({"value": 0.9123, "low": 0.9, "high": 0.925}) == "91.23 [90.00, 92.50]"
    assert percent.cell({"value": 0.01, "low": 0.001, "high": 0.02}, bold=True) == "**1.00 [0.10, 2.00]**"
    assert percent.cell({"value": 0.01, "low": -0.001, "high": 0.02}, bold=True) == "1.00 [-0.10, 2.00]"
    assert percent.cell({"value": 0.01, "low": nan, "high": nan}, bold=True) == "1.00"
    assert percent.cell({"value": nan, "low": nan, "high": nan}) == "–"


def test_tables_prefer_the_loss():
    assert summary.main_score(["oneshot:accuracy", "oneshot:loss"]) == "oneshot:loss"
    assert summary.main_score(["synflow:score"]) == "synflow:score"


def test_the_table_has_a_row_for_each_method_reference_and_contrast(report):
    _, jobs = report
    table = records.read_table(jobs["summary"].outputs["table"])
    study = jobs["summary"].settings["study"]
    assert list(dict.fromkeys(select(table, part="method")["label"])) == study["methods"]
    assert list(dict.fromkeys(select(table, part="contrast")["label"])) == [" - ".join(c) for c in study["contrasts"]]
    references = set(select(table, part="reference")["label"])
    assert {"parameters", "ridge on landmarks of landmark-t3", "valid_vs_test_tau"} <= references
    assert not table.duplicated(["part", "label", "quantity"]).any()


def test_the_page_prints_the_rows_of_the_end(report):
    root, jobs = report
    rows = records.read_table(jobs["summary"].inputs["metrics"])
    where = {"estimator": "oneshot:loss", "metric": "sparse_kendall_tau", "definition": "paper", "resolution": 0.001}
    (own,) = select(rows, method="landmark", seed=None, epoch=60, **where).to_dict("records")
    page = (root / jobs["summary"].outputs["page"]).read_text()
    line = next(line for line in page.splitlines() if line.startswith("| landmark |"))
    assert row(line)[1] == f"{own['value']:.3f} [{own['low']:.3f}, {own['high']:.3f}]"
    assert "3 seeds, 16 architectures" in page
    assert "the architectures of the whole space" in page
    assert "9 contrasts, 63 intervals at 95 %: were nothing true, about 3.2 would exclude 0" in page


def test_figures_are_written_and_bit_identical(report):
    root, jobs = report
    outputs = [root / path for path in jobs["figures"].outputs.values()]
    before = [path.read_bytes() for path in outputs]
    figures_stage.run(jobs["figures"], root)
    assert [path.read_bytes() for path in outputs] == before
    assert {content[:5] for content in before} == {b"<?xml", b"\x89PNG\r"}
    assert not any(b"<dc:date>" in content for content in before)


def test_curves_split_the_methods_by_iterations(report):
    _, jobs = report
    figure = figures.curves(records.read_table(jobs["figures"].inputs["metrics"]), jobs["figures"].settings)
    legends = [[text.get_text() for text in axis.get_legend().get_texts()] for axis in figure.axes]
    assert legends[0] == ["shared warm-up", "spos", "landmark", "landmark-shuffled", "landmark-ce"]
    assert legends[1] == ["shared warm-up", "spos", "landmark-t3", "landmark-shuffled-t3", "landmark-ce-t3"]
    warm_up, spos = figure.axes[0].get_lines()[:2]
    train = jobs["figures"].settings["methods"]["spos"]["train"]
    marks = list(range(train["checkpoint_every"], train["epochs"] + 1, train["checkpoint_every"]))
    assert list(warm_up.get_xdata()) == [e for e in marks if e <= train["warmup"]]
    assert list(spos.get_xdata()) == [e for e in marks if e >= train["warmup"]]


def test_ranks_are_drawn_in_the_order_of_the_truth():
    truth = pd.Series({"a": 0.9, "b": 0.5, "c": 0.7})
    figure = figures.ranks(truth, {"first": pd.Series({"c": 1.0, "b": 2.0, "a": 3.0})})
    assert figure.axes[0].collections[0].get_offsets().tolist() == [[1, 1], [3, 2], [2, 3]]
    assert figure.axes[0].get_title() == "first: tau = 0.33"  # two of three pairs agree, one does not
    assert io.BytesIO(figures.render(figure, "png")).read(4) == b"\x89PNG"


def test_the_fragment_joins_table_and_verdicts(report):
    root, jobs = report
    text = readme.fragment(root)
    lines = text.splitlines()
    assert lines[0] == "### " + jobs["summary"].settings["study"]["title"]
    assert "## Contrasts" not in text
    assert sum(line.startswith("| landmark-t3 |") for line in lines) == 1
    claims = records.read_table(jobs["ledger"].outputs["claims"])
    decided = (~claims["verdict"].isin(["not attempted", "other scale"])).sum()
    assert decided == 8
    assert sum("SPOS+Ours - SPOS" in line for line in lines) == decided


def test_a_report_without_its_table_is_an_error(tmp_path):
    path = tmp_path / "results/full/report/x/claims.parquet"
    records.write_table(path, frame([{"value": 1.0}]), records.stamp("made up", {}, []))
    with pytest.raises(UserError, match=r"table\.md: no such file"):
        readme.fragment(tmp_path)


def test_the_readme_command_writes_and_checks(report):
    root, _ = report
    path = root / "README.md"
    path.write_text(f"# Title\n{BEGIN}\n{END}\n<!-- speed:begin --><!-- speed:end -->\n")
    with pytest.raises(UserError, match="run `supernet readme`"):
        cli.write_readme(path, check=True)
    cli.write_readme(path)
    assert readme.fragment(root) in path.read_text()
    cli.write_readme(path, check=True)


def test_fill_replaces_what_stands_between_the_markers():
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    filled = readme.fill(text, "results", "new")
    assert filled == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert readme.fill(filled, "results", "new") == filled


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}" * 2])
def test_fill_wants_each_marker_once_and_in_order(text):
    with pytest.raises(UserError, match=r"README\.md: expected one"):
        readme.fill(text, "results", "new")


def test_speeds_show_what_has_a_target_and_whether_it_is_met():
    row = {"cells": 1, "batch": 64, "seconds": 0.1, "images": 64, "against": "its floor", "bound": None}
    row["peak_memory_mb"] = 700
    rows = [
        {**row, "case": "plain", "ratio": 1.5, "target": 1.8, "gflops": 50.0, "attainable_gflops": 80.0},
        {**row, "case": "pair", "ratio": 2.7, "target": 2.6, "bound": 2.5},
        {**row, "case": "space", "ratio": 3.0, "target": 2.7, "larger_is_better": True},
        {**row, "case": "wide", "ratio": 9.0, "target": None},
    ]
    content = {"machine": {"processor": "some processor", "torch": "2"}, "rows": rows}
    page, excerpt = speed.table(content), speed.excerpt(content)
    assert "| plain | 1 | 64 | 640 | 50 | 62% | 1.5 | its floor | – | ≤ 1.8, met | 700 |" in page
    assert "≤ 2.6, **missed**" in page and "≥ 2.7, met" in page and "| wide |" in page
    assert "| plain | 1 | 64 | 1.50 × its floor | – | ≤ 1.8, met |" in excerpt and "wide" not in excerpt
    assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1
