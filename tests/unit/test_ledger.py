import copy
from pathlib import Path

import pandas as pd
import pytest
import tiny
import yaml

from supernet import config, plan, records
from supernet.errors import UserError
from supernet.report import ledger
from supernet.report.rows import frame
from supernet.stages import ledger as stage

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/claims.schema.yaml").read_text())
OURS = {"study": "s", "metric": "found_accuracy", "searcher": "evolution"}
HERE = {"studies": ["s", "t"], "truths": {"s": "test", "t": "valid"}, "elsewhere": {"far": ["demo", "full"], "no": []}}
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


def rows(**where):
    values = {"a": (0.70, 0.68, 0.72), "b": (0.72, 0.70, 0.74), "b - a": (0.02, 0.01, 0.03)}
    where = {
        "study": "s",
        "metric": "found_accuracy",
        "searcher": "evolution",
        "n": 5,
        "truth": "test",
        "epoch": 9,
        **where,
    }
    return frame({"method": m, "value": v, "low": lo, "high": hi, **where} for m, (v, lo, hi) in values.items())


def at(scale: str) -> dict:
    return {"scale": scale, **HERE}


NET = {"space": "macro", "width": 4, "cells": 1}


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        # 3x3 to 4 channels, batch-norm
        ({"count": "parameters of stem", "net": NET}, 27 * 4 + 8),
        # 3 * 4 = 12 and 6 * 4 = 24 inner channels; 1x1, kernel 3 or 5, 1x1 to 8, three batch-norms; a strided identity
        (
            {"count": "parameters of choice 0", "net": NET},
            48 + 24 + 108 + 24 + 96 + 16 + 96 + 48 + 600 + 48 + 192 + 16 + 48,
        ),
        ({"count": "sets", "of": ["mb3_k3"], "net": {**NET, "sharing": "conditional"}}, 1 + 7 * 3),
        ({"count": "parameters of block 1", "net": {**NET, "space": "nasbench201"}}, (18 + 36 + 2) * 16 + 8 * 4),
        ({"count": "architectures", "net": NET}, 3**8),
        ({"count": "classes", "net": {**NET, "space": "nasbench201_convolutions"}}, 2**6),
    ],
)
def test_facts_are_counted_and_judged_exactly_at_every_scale(fact, expected):
    claims = copy.deepcopy(CLAIMS)
    claims["definitions"]["parameters"] = {"unit": "count", "text": "parameters"}
    common = {**COMMON, "table": 0, "method": "net", "setting": "x", "definition": "parameters", "fact": fact}
    claims["claims"] += [{**common, "id": i, "value": v} for i, v in (("right", expected), ("wrong", expected + 1))]
    ledger.check(claims, SCHEMA, "claims.yaml")
    facts = {claim["id"]: stage._counted(**claim["fact"]) for claim in claims["claims"] if "fact" in claim}
    table = ledger.join(claims, rows(), at("demo"), facts).set_index("id")
    assert table.loc[["right", "wrong"], "verdict"].tolist() == ["reproduced", "not reproduced"]
    assert table.loc["right", "our_value"] == expected and table.loc["right", "scale"] == "any"
    (line,) = (line for line in ledger.answered(table.loc[["right"]].reset_index()) if "net (x)" in line)
    assert line == f"| text | net (x) | mean_acc | {expected} | {expected} |  |  | **reproduced** |"


@pytest.mark.parametrize(
    "fact",
    [
        {"count": "parameters", "net": {**NET, "widht": 3}},
        {"count": "parameters of block 7", "net": NET},
        {"count": "parameters of choice 9", "net": NET},
        {"count": "sets", "net": NET},
    ],
)
def test_a_fact_of_no_net_is_one_line(fact):
    with pytest.raises(UserError, match=r"claims\.yaml: wrong: fact: no super-net has that; correct"):
        stage._fact({"id": "wrong", "fact": fact}, "claims.yaml")


def answered_by(study: str, **more: str) -> dict:
    """The claims, of which one names that study."""
    claims = copy.deepcopy(CLAIMS)
    claims["claims"][0]["ours"].update(study=study, **more)
    return claims


def test_join_puts_our_numbers_beside_the_published_ones():
    table = ledger.join(CLAIMS, rows(), at("reduced")).set_index("id")
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
    table = ledger.join(CLAIMS, rows(), at("full")).set_index("id")
    assert table["verdict"].tolist() == ["not reproduced", "not reproduced", "not attempted", "reproduced"]


def test_the_sample_of_architectures_counts_too():
    """Ours is 0.70 ± 0.02 over seeds; a bootstrap of half-width 0.21 reaches the published 0.90 by its spread.

    Ours of the difference is 0.02 ± 0.01; another 0.02 for other architectures leave its side open.
    """
    claims, by = copy.deepcopy(CLAIMS), {"searcher": None, "estimator": "oneshot:loss"}
    for claim in (*claims["claims"][:2], *claims["contrasts"]):
        claim["ours"] = {k: v for k, v in claim["ours"].items() if k != "searcher"} | {"estimator": by["estimator"]}

    def verdicts(scale, **sampled):
        ours = rows(**by)
        ours["sampled"] = ours["method"].map(lambda method: sampled[method.replace(" - ", "_")])
        return ledger.join(claims, ours, at(scale)).set_index("id")

    base = verdicts("full", a=0.21, b=0.0, b_a=0.0).loc["base"]  # 0.70 + hypot(0.02, 0.21) = 0.911; over seeds is shown
    assert base[["verdict", "our_low", "our_high"]].tolist() == ["reproduced", 0.68, 0.72]
    assert verdicts("reduced", a=0.0, b=0.0, b_a=0.015).loc["gain", "verdict"] == "direction holds"
    assert verdicts("reduced", a=0.0, b=0.0, b_a=0.02).loc["gain", "verdict"] == "undecided"
    unknown = verdicts("full", a=None, b=0.0, b_a=None)
    assert unknown.loc[["base", "gain"], "verdict"].tolist() == ["undecided"] * 2


def test_the_space_is_named_where_there_are_several():
    table = ledger.join(CLAIMS, rows(), at("reduced"))
    assert not any("S: " in line for line in ledger.answered(table))
    table.loc[table["id"] == "base", "space"] = "T"
    lines = ledger.answered(table)
    assert (
        sum("| T: A (x) |" in line for line in lines) == 1
        and sum("| S: B - A (y - x) |" in line for line in lines) == 1
    )


def test_where_the_absolute_value_is_printed_the_sign_does_not_matter():
    claims = copy.deepcopy(CLAIMS)
    negative = rows().assign(value=-0.90, low=-0.91, high=-0.89)
    assert ledger.join(claims, negative, at("full")).set_index("id").loc["base", "verdict"] == "not reproduced"
    claims["definitions"]["accuracy"]["absolute"] = True
    ledger.check(claims, SCHEMA, "claims.yaml")
    assert ledger.join(claims, negative, at("full")).set_index("id").loc["base", "verdict"] == "reproduced"


def test_several_studies_answer_one_paper_each_by_its_own_truth():
    other = rows(study="t", truth="valid").assign(value=0.5, low=0.4, high=0.6)
    both = pd.concat([rows(), rows(truth="cifar100/test"), other, rows(study="t"), rows(study="far", truth="valid")])
    table = ledger.join(answered_by("t"), both, at("full")).set_index("id")
    assert table.loc["base", ["study", "our_value", "truth"]].tolist() == ["t", 0.5, "valid"]
    assert table.loc["better", ["study", "our_value", "truth"]].tolist() == ["s", 0.72, "test"]


def test_a_claim_may_ask_for_another_truth():
    both = pd.concat([rows(), rows(truth="cifar100/test").assign(value=0.3, low=0.2, high=0.4)])
    table = ledger.join(answered_by("s", truth="cifar100/test"), both, at("full")).set_index("id")
    assert table.loc["base", ["our_value", "truth"]].tolist() == [0.3, "cifar100/test"]
    ledger.check(answered_by("s", truth="cifar100/test"), SCHEMA, "claims.yaml")


@pytest.mark.parametrize(("study", "scales"), [("far", "demo, full"), ("no", "none")])
def test_a_study_of_another_scale_is_named_with_its_scales(study, scales):
    table = ledger.join(answered_by(study), rows(), at("reduced")).set_index("id")
    assert table.loc["base", "verdict"] == "not attempted"
    assert table.loc["base", "reason"] == f"answered by the study {study} (scales: {scales})"
    assert table.loc["gain", "verdict"] == "direction holds"


def test_a_study_that_answers_no_such_paper_is_an_error():
    with pytest.raises(
        UserError, match=r"claim base: no study 'typo' in params\.yaml names this paper; known: s, t, far"
    ):
        ledger.join(answered_by("typo"), rows(), at("reduced"))


def test_a_key_that_names_no_number_is_an_error():
    with pytest.raises(UserError, match="claim base: study s has 0 numbers"):
        ledger.join(CLAIMS, rows().query("method != 'a'"), at("full"))


def test_the_page_counts_verdicts_and_prints_percent():
    page = ledger.markdown(ledger.join(CLAIMS, rows(), at("reduced")), CLAIMS["paper"], at("reduced"))
    assert "Scale `reduced`, measured by `s`, `t`. " in page
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


def numbers(config, study):
    """A row for everything that a study measures and a claim may ask for."""
    chosen, task = config.studies[study], config.tasks[config.studies[study].task]
    names = [*chosen.methods, *(" - ".join(pair) for pair in chosen.contrasts)]
    sparse = {"metric": "sparse_kendall_tau", "definition": "paper"}
    kinds = [
        {**sparse, "resolution": width, "estimator": f"{estimator}:{score}"}
        for width in config.metrics.resolutions
        for estimator in chosen.estimators
        for score in ("accuracy", "loss")
    ]
    searched = (("found_accuracy", None), ("best_found_accuracy", None), ("best_found_rank", "space"))
    kinds += [
        {"metric": m, "definition": d, "searcher": searcher} for m, d in searched for searcher in chosen.searchers
    ]
    value = {"study": study, "value": 0.1, "low": 0.05, "high": 0.15, "n": 5, "epoch": 60}
    return frame(
        {"method": name, "truth": truth, **kind, **value} for name in names for kind in kinds for truth in task.truths
    )


@pytest.mark.parametrize("scale", ["reduced", "full"])
def test_every_answer_exists_in_its_study(tmp_path, monkeypatch, scale):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    chosen = config.load(scale, ROOT / "params.yaml")
    job = plan.ledger(chosen, scale=scale, claims="landmark-2021")
    for study, path in zip(job.settings["studies"], job.inputs["metrics"], strict=True):
        records.write_table(path, numbers(chosen, study), records.stamp("made up", {}, []))
    stage.run(job, tmp_path / "state")
    written = records.read_table(job.outputs["ledger"])
    claims = yaml.safe_load((ROOT / "workflow/claims/landmark-2021.yaml").read_text())
    answered = [e for e in [*claims["claims"], *claims["contrasts"]] if "ours" in e]
    here = [e["id"] for e in answered if e["ours"]["study"] in job.settings["studies"]]
    assert len(written) == len(claims["claims"]) + len(claims["contrasts"]) and len(claims["claims"]) == 174
    assert written.loc[written["verdict"] != "not attempted", "id"].tolist() == here != []
    assert written.loc[written["verdict"] == "not attempted", "reason"].notna().all()
    assert Path(job.outputs["page"]).read_text().startswith("# Landmark Regularization")


def test_a_ledger_joins_the_studies_of_its_scale_that_name_the_paper(tmp_path):
    chosen = tiny.load(tmp_path, "reduced")
    first = chosen.studies["landmark-controls"]
    changes = {"x": {"scales": ["reduced"]}, "y": {"scales": ["full"]}, "z": {"scales": ["reduced"], "claims": "other"}}
    more = {name: first.model_copy(update=change) for name, change in changes.items()}
    studies = {"demo": chosen.studies["demo"], "landmark-controls": first, **more}
    job = plan.ledger(chosen.model_copy(update={"studies": studies}), scale="reduced", claims="landmark-2021")
    assert job.inputs["metrics"] == [f"results/reduced/metrics/{name}.parquet" for name in ("landmark-controls", "x")]
    assert job.settings["truths"] == {"landmark-controls": "test", "x": "test"}
    assert job.settings["elsewhere"] == {"y": ["full"]}
    assert list(job.outputs.values()) == [f"results/reduced/ledger/landmark-2021.{form}" for form in ("parquet", "md")]


def test_a_paper_that_no_study_answers_has_no_ledger(tmp_path):
    with pytest.raises(UserError, match=r"studies: none of scale demo names claims: landmark-2021"):
        plan.ledger(tiny.load(tmp_path), scale="demo", claims="landmark-2021")
