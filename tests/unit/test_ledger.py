import copy
from pathlib import Path

import pytest
import tiny
import yaml

from supernet import plan, records
from supernet.errors import UserError
from supernet.report import ledger
from supernet.report.ledger import Interval
from supernet.report.rows import frame
from supernet.stages import ledger as stage

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/claims.schema.yaml").read_text())
OURS = {"study": "s", "metric": "found_accuracy", "searcher": "evolution"}
COMMON = {"table": 1, "space": "S", "dataset": "D", "metric": "mean_acc", "definition": "accuracy", "n": 3}
CLAIMS = {
    "paper": "A paper",
    "definitions": {"accuracy": {"unit": "%", "text": "test accuracy"}},
    "reasons": {"dear": "needs a cluster"},
    "claims": [
        {"id": "base", "method": "A", "setting": "x", "value": 90.0, "spread": 0.3, "ours": {**OURS, "method": "a"}},
        {"id": "better", "method": "B", "setting": "y", "value": 92.0, "spread": 0.4, "ours": {**OURS, "method": "b"}},
        {"id": "huge", "method": "C", "setting": "x", "value": 99.0, "not_attempted": "dear"},
    ],
    "contrasts": [{"id": "gain", "a": "better", "b": "base", "ours": {**OURS, "method": "b - a"}, "note": "small"}],
}
CLAIMS["claims"] = [{**COMMON, **claim} for claim in CLAIMS["claims"]]


def rows(low: float = 0.01, high: float = 0.03):
    values = {"a": (0.70, 0.68, 0.72), "b": (0.72, 0.70, 0.74), "b - a": (0.02, low, high)}
    where = {"metric": "found_accuracy", "searcher": "evolution", "n": 5, "truth": "test", "epoch": 9}
    return frame({"method": m, "value": v, "low": lo, "high": hi, **where} for m, (v, lo, hi) in values.items())


@pytest.mark.parametrize(
    ("scale", "contrast", "published", "spread", "ours", "expected"),
    [
        ("full", False, 0.80, 0.02, (0.83, 0.81, 0.85), "reproduced"),  # [0.81, 0.85] meets [0.78, 0.82]
        ("full", False, 0.80, 0.02, (0.84, 0.83, 0.85), "not reproduced"),
        ("full", False, 0.80, 0.02, (0.76, 0.74, 0.78), "reproduced"),  # they touch
        ("full", False, 0.80, 0.0, (0.80, float("nan"), float("nan")), "undecided"),
        ("full", True, 0.03, 0.0, (0.01, 0.00, 0.02), "not reproduced"),
        ("full", True, 0.03, 0.01, (0.01, 0.00, 0.02), "reproduced"),
        ("reduced", True, 0.03, 0.0, (0.20, 0.10, 0.30), "direction holds"),
        ("reduced", True, 0.03, 0.0, (-0.20, -0.30, -0.10), "direction fails"),
        ("reduced", True, -0.03, 0.0, (-0.20, -0.30, -0.10), "direction holds"),
        ("reduced", True, 0.03, 0.0, (0.10, -0.01, 0.21), "undecided"),
        ("reduced", True, 0.03, 0.0, (0.10, float("nan"), float("nan")), "undecided"),
        ("reduced", False, 0.80, 0.02, (0.80, 0.79, 0.81), "other scale"),
        ("demo", False, 0.80, 0.02, None, "not attempted"),
        ("full", True, 0.80, 0.02, None, "not attempted"),
    ],
)
def test_verdict(scale, contrast, published, spread, ours, expected):
    assert ledger.verdict(scale, contrast, published, spread, ours and Interval(*ours)) == expected


def test_join_puts_our_numbers_beside_the_published_ones():
    table = ledger.join(CLAIMS, rows(), "s", "reduced").set_index("id")
    assert table["verdict"].to_dict() == {
        "base": "other scale",
        "better": "other scale",
        "huge": "not attempted",
        "gain": "direction holds",
    }
    gain = table.loc["gain"]
    assert (gain["value"], gain["spread"]) == (pytest.approx(0.02), pytest.approx(0.005))  # hypot(0.3, 0.4) percent
    assert gain[["method", "setting", "note"]].tolist() == ["B - A", "y - x", "small"]
    assert gain[["our_value", "our_low", "our_high", "our_n"]].tolist() == [0.02, 0.01, 0.03, 5]
    assert table.loc["huge", "reason"] == "needs a cluster"


def test_at_full_scale_single_values_are_judged():
    table = ledger.join(CLAIMS, rows(), "s", "full").set_index("id")
    assert table["verdict"].tolist() == ["not reproduced", "not reproduced", "not attempted", "reproduced"]


def test_another_study_leaves_the_answer_to_its_own():
    table = ledger.join(CLAIMS, rows(), "other", "full").set_index("id")
    assert set(table["verdict"]) == {"not attempted"}
    assert table.loc["base", "reason"] == "answered by the study s"


def test_a_key_that_names_no_number_is_an_error():
    with pytest.raises(UserError, match="claim base: study s has 0 numbers"):
        ledger.join(CLAIMS, rows().query("method != 'a'"), "s", "full")


def test_the_page_counts_verdicts_and_prints_percent():
    page = ledger.markdown(ledger.join(CLAIMS, rows(), "s", "reduced"), CLAIMS["paper"], "s", "reduced")
    assert "4 published numbers and gains: 1 direction holds, 2 other scale, 1 not attempted." in page
    assert (
        "| 1 | B - A (y - x) | mean_acc | 2.00 ± 0.50 | 2.00 [1.00, 3.00] | 5 | test | **direction holds**; small |"
        in page
    )
    assert "| 1 | 1 | needs a cluster |" in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["claims"][0].pop("value"), "claims.0: 'value' is a required property"),
        (lambda c: c["claims"][0].update(typo=1), "claims.0: .*'typo' was unexpected"),
        (lambda c: c["claims"][0].pop("ours"), "claims.0: .* is not valid under any"),
        (lambda c: c["claims"][2].update(ours={**OURS, "method": "a"}), "claims.2: .* is valid under each of"),
        (lambda c: c["claims"][1].update(id="base"), "id base stands twice"),
        (lambda c: c["claims"][2].update(not_attempted="why"), "huge: not_attempted 'why' is not explained"),
        (lambda c: c["contrasts"][0].update(b="nobody"), "gain: no claim 'nobody'"),
    ],
)
def test_a_wrong_claims_file_is_one_clear_line(change, message):
    ledger.check(CLAIMS, SCHEMA, "claims.yaml")
    claims = copy.deepcopy(CLAIMS)
    change(claims)
    with pytest.raises(UserError, match=f"claims.yaml: {message}"):
        ledger.check(claims, SCHEMA, "claims.yaml")


def test_the_landmark_claims_are_all_there():
    claims = yaml.safe_load((ROOT / "workflow/claims/landmark-2021.yaml").read_text())
    ledger.check(claims, SCHEMA, "landmark-2021.yaml")
    by_id = {claim["id"]: claim for claim in claims["claims"]}
    assert len(by_id) == 174
    table1 = by_id["t1-nb201-spos-ours-skdt"]
    assert (table1["value"], table1["spread"], table1["ours"]["method"]) == (0.802, 0.02, "landmark-t3")
    counts = {t: sum(c["table"] == t for c in by_id.values()) for t in range(1, 8)}
    assert counts == {1: 50, 2: 30, 3: 36, 4: 16, 5: 16, 6: 12, 7: 14}


def test_every_answer_exists_in_the_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    config = tiny.load(tmp_path, "reduced", bootstrap=1)
    metrics = plan.measure(config, scale="reduced", study="landmark-controls").outputs["metrics"]
    names = [*config.studies["landmark-controls"].methods]
    names += [" - ".join(pair) for pair in config.studies["landmark-controls"].contrasts]
    sparse = {"estimator": "oneshot:accuracy", "metric": "sparse_kendall_tau", "definition": "paper"}
    kinds = [{**sparse, "resolution": 0.001}, {"searcher": "evolution", "metric": "found_accuracy"}]
    numbers = {"value": 0.1, "low": 0.05, "high": 0.15, "n": 5, "epoch": 60, "truth": "test"}
    table = frame({"method": name, **kind, **numbers} for name in names for kind in kinds)
    records.write_table(metrics, table, records.stamp("made up", {}, []))
    job = plan.ledger(config, scale="reduced", study="landmark-controls")
    stage.run(job, tmp_path / "state")
    written = records.read_table(job.outputs["claims"])
    assert len(written) == 224
    assert (written["verdict"] != "not attempted").sum() == 28
    assert written.loc[written["verdict"] == "not attempted", "reason"].notna().all()
    assert Path(job.outputs["page"]).read_text().startswith("# Landmark Regularization")


def test_a_study_without_claims_has_no_ledger(tmp_path):
    with pytest.raises(UserError, match=r"studies\.demo: names no claims"):
        plan.ledger(tiny.load(tmp_path), scale="demo", study="demo")
