"""A finished run is loaded, scored, ranked and told of; and what is wrong with it is one line."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from project import ROOT, TINY, Project

from supernet import cli, params, published, records
from supernet.errors import UserError

NAME = "demo/nasbench201-digits/landmark-t3/s0"
FOLDER = "results/demo/runs/nasbench201-digits/landmark-t3/s0"
WEIGHTS = f"{FOLDER}/i2/weights.safetensors"
IMAGES = "results/demo/data/digits.safetensors"
LOGS = "results/demo/logs/nasbench201-digits/landmark-t3/s0"
SCORES = "results/demo/scores/nasbench201-digits/landmark-t3/oneshot/s0/i2.parquet"
OTHER = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"


@pytest.fixture
def here(finished: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(finished.folder)
    return finished


def supernet(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["supernet", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code or 0


def test_a_name_and_its_folder_anywhere_are_the_same_run(
    here: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = published.load(NAME)
    assert run.name == f"{NAME}/i2" and published.load(f"{NAME}/i1").iteration == 1
    assert {published.load(where).name for where in (FOLDER, f"./{FOLDER}/", Path(FOLDER, "i2"), WEIGHTS)} == {run.name}
    monkeypatch.chdir(tmp_path)
    far = published.load(here.folder / FOLDER)
    assert far.name == run.name and len(far.stored_scores()) == 4
    assert far.score([OTHER])["arch"].tolist() == [OTHER]


def test_a_record_is_weights_configuration_and_log(here: Project) -> None:
    run = published.load(NAME)
    assert run.config["regulariser"]["kind"] == "landmark" and run.config["epochs"] == [2, 3]
    assert run.log["epoch"].tolist() == [1, 2, 3] and run.log["ranking_loss"].notna().tolist() == [False, True, True]
    assert published.load(f"{NAME}/i1").log["epoch"].tolist() == [1, 2]
    assert run.epochs == [3]
    stored = records.read_tensors(WEIGHTS, "3/")
    net = run.net()
    assert {name: value.numpy().tolist() for name, value in net.state_dict().items()} == {
        name: value.tolist() for name, value in stored.items()
    }
    assert not net.training and net(torch.zeros(2, 3, 12, 12), run.space.parse(OTHER)).shape == (2, 10)


def test_the_readmes_lines_run_as_they_stand(here: Project) -> None:
    code = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    shown: dict = {}
    exec(
        compile(code.replace("results/reduced/runs/nasbench201-cifar10/landmark/s0", FOLDER), "README.md", "exec"),
        shown,
    )
    assert shown["run"].name == f"{NAME}/i2" and shown["scores"].columns.tolist() == ["arch", "accuracy", "loss"]


def test_scores_are_the_pipelines_bit_for_bit(here: Project) -> None:
    run = published.load(NAME)
    stored = run.stored_scores()
    assert stored.attrs["epoch"] == 3 and np.isfinite(stored[["accuracy", "loss"]]).all(axis=None)
    archs = [*stored["arch"][::-1], OTHER]
    scored = run.score(archs)
    assert scored["arch"].tolist() == archs
    pd.testing.assert_frame_equal(scored[:4], stored[::-1].reset_index(drop=True), check_exact=True)
    again = run.score([run.space.parse(text) for text in archs], estimator="oneshot")
    pd.testing.assert_frame_equal(again, scored, check_exact=True)
    assert run.score([]).empty
    assert set(run.truth().index) == set(stored["arch"])
    truths = records.read_table("results/demo/truth/nasbench201-digits/evaluation.parquet").set_index("arch")
    assert run.truth("valid").to_dict() == truths["valid"].to_dict()


def test_the_command_scores_beside_the_truth(
    here: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = published.load(NAME)
    stored, truth = run.stored_scores().set_index("arch"), run.truth()
    best = str(truth.idxmax())
    assert supernet(monkeypatch, "score", best, OTHER, "--run", NAME, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    first, second = found["architectures"]
    assert first["scores"] == stored.loc[best].to_dict() and first["truth"] == truth[best] and first["true_rank"] == 1
    assert first["rank"] == 1 + int((stored["loss"] > stored.loc[best, "loss"]).sum())
    assert second["truth"] is None and second["true_rank"] is None and 1 <= second["rank"] <= 5
    assert supernet(monkeypatch, "score", best, "--run", FOLDER) == 0
    shown = capsys.readouterr().out
    assert f"{100 * truth[best]:.2f}" in shown and best in shown and "1 of 4" in shown


def test_the_command_ranks_as_the_report_does(
    here: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert supernet(monkeypatch, "rank", "--run", NAME, "--top", "2", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    stored = published.load(NAME).stored_scores().sort_values("loss", ascending=False)
    assert [row["arch"] for row in found["top"]] == stored["arch"].head(2).tolist()
    assert [row["rank"] for row in found["top"]] == [1, 2] and found["n"] == found["known"] == 4
    rows = pd.read_parquet("results/demo/metrics/demo.parquet")
    where = "method == 'landmark-t3' and seed == 0 and epoch == 3 and estimator == 'oneshot:loss' and truth == 'test'"
    own = rows.query(where)
    paper = own.query("metric == 'sparse_kendall_tau' and definition == 'paper' and resolution == 0.001")["value"]
    tau = own.query("metric == 'kendall_tau'")["value"]
    assert len(paper) == len(tau) == 1
    assert found["s_kdt"] == paper.iloc[0] and found["kendall_tau"] == tau.iloc[0]
    assert supernet(monkeypatch, "rank", "--run", NAME) == 0
    assert f"S-KdT {found['s_kdt']:.3f}" in capsys.readouterr().out


@pytest.mark.system
def test_the_whole_space_is_ranked(
    here: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert supernet(monkeypatch, "rank", "--run", NAME, "--among", "space", "--top", "5", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 15_625 and found["known"] == 4 and len(found["top"]) == 5
    run = published.load(NAME)
    best = run.score([row["arch"] for row in found["top"]])["loss"]
    assert [row["score"] for row in found["top"]] == best.tolist() == sorted(best, reverse=True)
    assert best.min() >= run.stored_scores()["loss"].nlargest(5).min()


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("landmark", r"run 'landmark': expected SCALE/TASK/METHOD/sSEED, as reduced/.*or the path of its folder"),
        ("demo/nasbench201-digits/nobody/s0", r"no method 'nobody' in params.yaml; trained here: landmark-t3, spos"),
        ("demo/nowhere/spos/s0", r"tasks: no 'nowhere'; known: nasbench201-cifar10, .*nasbench201-digits"),
        ("huge/nasbench201-digits/spos/s0", r"scales.huge: no such scale; known: demo"),
        (f"{NAME}/i7", "methods.landmark-t3: has no iteration 7; it has 0 to 2"),
        (f"{NAME}/i0", "it shares the warm-up of spos; ask for demo/nasbench201-digits/spos/s0/i0"),
        ("/nowhere/results/demo/runs/t/m/s0", "/nowhere/params.yaml: no such file; expected beside the folder results"),
    ],
)
def test_a_run_that_is_none_is_one_line(here: Project, run: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        published.load(run)
    assert "\n" not in str(error.value)


def test_what_cannot_be_scored_is_one_line(here: Project) -> None:
    run = published.load(NAME)
    with pytest.raises(UserError, match=r"architecture '\|conv~0\|': expected \|op~0\|"):
        run.score(["|conv~0|"])
    with pytest.raises(UserError, match=r"architecture \(0, 9\): expected 6 option numbers"):
        run.score([(0, 9)])
    with pytest.raises(UserError, match=r"estimators: no 'nobody'; known: oneshot, .*oneshot-search"):
        run.score([OTHER], estimator="nobody")
    for asked in (run.net, lambda epoch: run.score([OTHER], epoch=epoch), lambda epoch: run.stored_scores(epoch=epoch)):
        with pytest.raises(UserError, match=f"epoch 2: {NAME}/i2 has no checkpoint after it; it has 3"):
            asked(2)


def test_absent_files_say_where_they_come_from(project: Project) -> None:
    Path(WEIGHTS).unlink()
    run = published.load(NAME)
    with pytest.raises(
        UserError, match=f"no such file; fetch: `make pull SCALE=demo`, or train: `snakemake {WEIGHTS}`"
    ):
        run.net()
    assert len(run.stored_scores()) == 4  # what git keeps is enough to rank
    shutil.rmtree(LOGS)
    with pytest.raises(UserError, match=f"this run has not been trained: `snakemake {WEIGHTS}`"):
        published.load(NAME).score([OTHER])
    Path(SCORES).unlink()
    with pytest.raises(UserError, match=f"no such file; make it: `snakemake {SCORES}`"):
        run.stored_scores()
    Path(IMAGES).unlink()
    with pytest.raises(UserError, match=f"{IMAGES}: no such file; fetch: `make pull SCALE=demo`"):
        published.load("demo/nasbench201-digits/spos/s0").score([OTHER])


def test_a_run_that_was_never_scored_has_scores_but_no_rank(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(SCORES).unlink()
    assert supernet(monkeypatch, "score", OTHER, "--run", NAME, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    (row,) = found["architectures"]
    assert found["among"] == 0 and row["rank"] is None and row["scores"]["loss"] < 0
    assert supernet(monkeypatch, "score", OTHER, "--run", NAME) == 0
    assert OTHER in capsys.readouterr().out


def test_results_of_other_parameters_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(params.merge(TINY, {"methods": {"landmark-t3": {"regulariser": {"args": {"weight": 5.0}}}}}))
    assert supernet(monkeypatch, "score", OTHER, "--run", NAME) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert (
        f"{WEIGHTS}: was made by other parameters (settings.regulariser.args.weight: 10.0, params.yaml asks for 5.0)"
        in error
    )
    project.write(params.merge(TINY, {"estimators": {"oneshot": {"args": {"batches": 1}}}}))
    assert supernet(monkeypatch, "rank", "--run", NAME) == 2
    assert (
        f"{SCORES}: was made by other parameters (settings.estimator.args.batches: 2, params.yaml"
        in capsys.readouterr().err
    )


def test_a_truth_of_other_parameters_is_refused(project: Project) -> None:
    changed = {"tasks": {"nasbench201-digits": {"truth": {"train": {"epochs": 3}}}}}
    project.write(params.merge(TINY, changed))
    with pytest.raises(
        UserError, match=r"evaluation\.parquet: was made by other parameters .*train\.epochs: 2, params"
    ):
        published.load(NAME).truth()


def test_files_that_do_not_belong_together_are_refused(project: Project) -> None:
    whole = Path(WEIGHTS).read_bytes()
    Path(WEIGHTS).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(UserError, match=f"{WEIGHTS}: not the weights that {SCORES} was made from"):
        published.load(NAME).score([OTHER])
    Path(WEIGHTS).write_bytes(whole)
    images = Path(IMAGES).read_bytes()
    Path(IMAGES).write_bytes(images[:-1] + bytes([images[-1] ^ 1]))
    with pytest.raises(UserError, match=f"{IMAGES}: not the images that {NAME}/i2 was trained on"):
        published.load(NAME).score([OTHER])
