import copy

import pandas as pd
import pytest
import tiny
import yaml

from supernet import cli, plan, records
from supernet.errors import UserError
from supernet.report import figures, quantities, readme, speed, summary
from supernet.report.rows import select
from supernet.stages import figures as figures_stage
from supernet.stages import ledger as ledger_stage
from supernet.stages import measure
from supernet.stages import summary as summary_stage

SCALE, STUDY, CLAIMS = "reduced", "landmark-controls", "landmark-2021"
COMMON = {"table": 1, "space": "S", "dataset": "D", "setting": "x", "metric": "S-KdT", "definition": "s-kdt", "n": 3}
OURS = {"study": STUDY, "estimator": "oneshot:loss", "metric": "kendall_tau"}
PAPER = {
    "paper": "A paper",
    "definitions": {"s-kdt": {"unit": "1", "text": "sparse Kendall tau"}},
    "reasons": {"dear": "needs a cluster"},
    "claims": [
        {"id": "base", "method": "Base", "value": 0.7, "ours": {**OURS, "method": "spos"}, **COMMON},
        {"id": "better", "method": "Better", "value": 0.8, "ours": {**OURS, "method": "landmark"}, **COMMON},
        {"id": "huge", "method": "Huge", "value": 0.9, "not_attempted": "dear", **COMMON},
    ],
    "contrasts": [{"id": "gain", "a": "better", "b": "base", "ours": {**OURS, "method": "landmark - spos"}}],
}
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a made-up study, written by the stages themselves."""
    root = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        (root / "workflow" / "claims").mkdir(parents=True)
        (root / "workflow" / "schemas").symlink_to(tiny.PARAMS.parent / "workflow" / "schemas")
        (root / "workflow" / "claims" / f"{CLAIMS}.yaml").write_text(yaml.safe_dump(PAPER))
        config = tiny.only(tiny.load(root, SCALE, bootstrap=2), STUDY)
        measure.run(tiny.write_study(config, STUDY, SCALE), root)
        jobs = {f.__name__: f(config, scale=SCALE, study=STUDY) for f in (plan.summary, plan.figures)}
        jobs["ledger"] = plan.ledger(config, scale=SCALE, claims=CLAIMS)
        for name, stage in (("summary", summary_stage), ("figures", figures_stage), ("ledger", ledger_stage)):
            stage.run(jobs[name], root)
        yield root, jobs


def row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_cells_print_value_and_interval():
    percent = quantities.Quantity("found, %", {}, 100, 2)
    nan = float("nan")
    assert percent.cell({"value": 0.9123, "low": 0.9, "high": 0.925}) == "91.23 [90.00, 92.50]"
    assert percent.cell({"value": 0.01, "low": 0.001, "high": 0.02}, bold=True) == "**1.00 [0.10, 2.00]**"
    assert percent.cell({"value": 0.01, "low": -0.001, "high": 0.02}, bold=True) == "1.00 [-0.10, 2.00]"
    assert percent.cell({"value": 0.01, "low": nan, "high": nan}, bold=True) == "1.00"
    assert percent.cell({"value": nan, "low": nan, "high": nan}) == "–"


def test_tables_prefer_the_loss():
    assert quantities.main_score(["oneshot:accuracy", "oneshot:loss"]) == "oneshot:loss"
    assert quantities.main_score(["synflow:score"]) == "synflow:score"


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
    where["truth"] = "test"
    (own,) = select(rows, method="landmark", seed=None, epoch=60, **where).to_dict("records")
    page = (root / jobs["summary"].outputs["page"]).read_text()
    line = next(line for line in page.splitlines() if line.startswith("| landmark |"))
    assert row(line)[1] == f"{own['value']:.3f} [{own['low']:.3f}, {own['high']:.3f}]"
    assert "3 seeds, 16 architectures" in page
    assert "the architectures of the whole space" in page
    assert "9 contrasts, 63 intervals at 95 %: were nothing true, about 3.2 would exclude 0" in page


def test_the_page_has_a_section_of_other_data_sets(report):
    root, jobs = report
    rows = records.read_table(jobs["summary"].inputs["metrics"])
    main, own, searches, other = (root / jobs["summary"].outputs["page"]).read_text().split("\n## ")
    assert own.startswith("Contrasts") and other.startswith("Other data sets")
    assert searches.startswith("Searches") and "| landmark: aging |" in searches
    equal = next(line for line in searches.splitlines() if line.startswith("| landmark: aging - evolution |"))
    assert row(equal)[1] == "0.00 [0.00, 0.00]"  # both met the same architectures
    assert "Differences to `evolution`, paired over the 3 seeds; 42 intervals more, of which about 2.1" in searches
    assert "cifar100" not in main + own and "know `cifar10` alone" in other
    titles = ["S-KdT, cifar100", "found, %, cifar100", "S-KdT, imagenet16-120", "found, %, imagenet16-120"]
    heads = [line for line in other.splitlines() if line.startswith(("| method", "| A - B"))]
    assert [row(line) for line in heads] == [["method", *titles], ["A - B", *titles]]
    where = {"estimator": "oneshot:loss", "metric": "sparse_kendall_tau", "definition": "paper", "resolution": 0.001}
    for name in ("landmark", "landmark - spos"):
        (sparse,) = select(rows, method=name, seed=None, epoch=60, truth="cifar100/test", **where).to_dict("records")
        (line,) = (line for line in other.splitlines() if line.startswith(f"| {name} |"))
        assert row(line)[1].strip("*") == f"{sparse['value']:.3f} [{sparse['low']:.3f}, {sparse['high']:.3f}]"
    found = 1 - tiny.accuracy(tiny.ARCHS[15])
    assert row(next(line for line in other.splitlines() if line.startswith("| spos |")))[2].startswith(
        f"{100 * found:.2f} "
    )
    assert "9 contrasts, 36 intervals at 95 %: were nothing true, about 1.8 would exclude 0" in other
    assert "With those above it is 99 intervals, of which about 5.0 would exclude 0 by chance." in other


def test_without_other_data_sets_there_is_no_section(report):
    _, jobs = report
    rows, settings = records.read_table(jobs["summary"].inputs["metrics"]), copy.deepcopy(jobs["summary"].settings)
    settings["task"]["truth"]["also"] = []
    table = summary.summarise(rows, settings)
    assert set(table["truth"]) == {"test"}
    assert "Other data sets" not in summary.markdown(table, rows, settings)


def test_what_each_method_itself_found_is_named_so():
    assert quantities.by_whom("own") == "each method's own search"
    assert quantities.by_whom("aging") == "`aging`"


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
    assert warm_up.get_label() == "shared warm-up" and spos.get_label() == "spos"
    train = jobs["figures"].settings["methods"]["spos"]["train"]
    marks = list(range(train["checkpoint_every"], train["epochs"] + 1, train["checkpoint_every"]))
    assert list(warm_up.get_xdata()) == [e for e in marks if e <= train["warmup"]]
    assert list(spos.get_xdata()) == [e for e in marks if e >= train["warmup"]]


def test_curves_show_the_own_truth(report):
    _, jobs = report
    rows, settings = records.read_table(jobs["figures"].inputs["metrics"]), jobs["figures"].settings
    where = {"estimator": "oneshot:loss", "metric": "sparse_kendall_tau", "definition": "paper", "resolution": 0.001}
    own = select(rows, method="landmark", seed=None, truth="test", **where)
    (line,) = (one for one in figures.curves(rows, settings).axes[0].get_lines() if one.get_label() == "landmark")
    assert list(line.get_ydata()) == own["value"][own["epoch"] >= 30].tolist()


def test_effects_show_means_intervals_seeds_and_references(report):
    _, jobs = report
    rows, settings = records.read_table(jobs["figures"].inputs["metrics"]), jobs["figures"].settings
    tau, found = figures.effects(rows, settings).axes
    assert [text.get_text() for text in tau.get_yticklabels()] == settings["study"]["methods"]
    assert tau.yaxis_inverted()
    assert tau.get_xlabel() == "S-KdT of oneshot:loss" and found.get_xlabel() == "accuracy found by evolution, %"
    where = {"metric": "sparse_kendall_tau", "definition": "paper", "resolution": 0.001}
    own = select(rows, method="landmark", epoch=60, estimator="oneshot:loss", truth="test", **where)
    dots, interval, mean = tau.collections[3:6]  # of the second row
    (whole,) = select(own, seed=None).to_dict("records")
    assert mean.get_offsets().tolist() == [[whole["value"], 1]]
    assert interval.get_segments()[0].tolist() == [[whole["low"], 1], [whole["high"], 1]]
    assert (
        dots.get_offsets()[:, 0].tolist() == own["value"][own["seed"].notna()].tolist() and len(dots.get_offsets()) == 3
    )
    assert found.collections[5].get_offsets()[0][0] == pytest.approx(100 * tiny.accuracy(tiny.ARCHS[15]))
    lines = {}
    for line in tau.get_lines():
        lines.setdefault(line.get_linestyle(), []).append(line.get_xdata()[0])
    free = select(rows, seed=None, estimator="reference", **where)
    assert lines["--"] == select(free, method="parameters")["value"].tolist()
    ridges = select(free, seed=None).set_index("method")["value"]
    alike = {"landmark": 3, "landmark-t3": 1, "landmark-shuffled-t3": 1, "landmark-ce-t3": 1}  # rows of a set
    expected = [ridges[f"ridge on landmarks of {name}"] for name, rows in alike.items() for _ in range(rows)]
    assert sorted(lines[":"]) == sorted(expected)
    assert [text.get_text() for text in tau.get_legend().get_texts()] == ["parameters", "ridge on landmarks"]


def test_the_fragment_joins_table_and_verdicts(report):
    root, jobs = report
    text = readme.fragment(root)
    lines = text.splitlines()
    assert lines[0] == "### A paper"
    title, page = jobs["summary"].settings["study"]["title"], jobs["summary"].outputs["page"]
    study = lines.index(f"| **[{title}]({page})** | | |")
    contrasts = summary.excerpt(records.read_table(jobs["summary"].outputs["table"]))
    assert lines[study - 2 : study] + lines[study + 1 :][: len(contrasts) - 2] == contrasts and len(contrasts) > 2
    assert f"]({jobs['figures'].outputs['effects_png']})" in "".join(lines[study:])
    assert f"[landmark-2021.md]({jobs['ledger'].outputs['page']})" in "".join(lines[:study])
    assert "4 published numbers and gains:" in "".join(lines[:study])
    assert [row(line)[1] for line in lines if line.startswith("| 1 |")] == ["Better - Base (x)"]


def unanswered(path, title, scale, studies):
    """Write the ledger of a paper of which nothing was attempted."""
    columns = {"value": 1.0, "spread": None, "unit": "1", "kind": "value", "space": "a", "verdict": "not attempted"}
    settings = {"scale": scale, "studies": studies}
    records.write_table(path, pd.DataFrame([columns]), records.stamp("made up", settings, []))
    path.with_suffix(".md").write_text(f"# {title}\n")


def test_the_paper_with_the_most_numbers_beside_ours_comes_first(report):
    root, jobs = report
    other = (root / jobs["ledger"].outputs["page"]).with_name("a-2020.parquet")
    unanswered(other, "First by name", jobs["ledger"].settings["scale"], [])
    try:
        titles = [line for line in readme.fragment(root).splitlines() if line.startswith("### ")]
    finally:
        for file in (other, other.with_suffix(".md")):
            file.unlink()  # the folder is that of all tests here
    assert titles[:2] == ["### A paper", "### First by name"]


def test_a_report_without_its_table_is_an_error(tmp_path):
    unanswered(tmp_path / "results/full/ledger/x.parquet", "A paper", "full", ["one"])
    with pytest.raises(UserError, match=r"report/one/table\.md: no such file"):
        readme.fragment(tmp_path)


def test_without_a_ledger_the_readme_stays(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(text := f"{BEGIN}\nresults\n{END}\n<!-- speed:begin --><!-- speed:end -->\n")
    with pytest.raises(UserError, match=r"ledger/\*\.parquet: no such file"):
        cli.write_readme(path)
    assert path.read_text() == text


def test_a_page_whose_number_is_none_is_named(report):
    root, _ = report
    page = root / "docs" / "page.md"
    records.write_text(root / "README.md", f"{BEGIN}{END}\n<!-- speed:begin --><!-- speed:end -->\n")
    records.write_text(page, "<!--= full/nothing; a; b -->0<!--.-->")
    try:
        with pytest.raises(UserError, match=r"docs/page\.md: .*: no such file"):
            cli.write_readme(root / "README.md")
    finally:
        page.unlink()  # the folder is that of all tests here


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
    with pytest.raises(UserError, match=r"^expected one"):
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
