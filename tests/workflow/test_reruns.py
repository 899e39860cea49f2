"""One change at a time: exactly the jobs that it reaches are run again, and nothing stale passes for fresh."""

import shutil
from pathlib import Path

import pytest
from project import ROOT, TINY, Project

from supernet import params, records

TASK = "demo nasbench201-digits"
STUDY = {
    "demo: metrics of demo", "demo: table of demo", "demo: figures of demo",
    "all studies of scale demo are complete: results/demo/report",
}  # fmt: skip
RUNS = [(method, i) for method in ("spos", "landmark-t3") for i in ((0, 1) if method == "spos" else (1, 2))]
SCORES = "results/demo/scores/nasbench201-digits/landmark-t3/oneshot/s0/i2.parquet"
WEIGHTS = "results/demo/runs/nasbench201-digits/landmark-t3/s0/i2/weights.safetensors"


def test_an_evaluation_setting_reruns_scores_alone(project: Project) -> None:
    project.write(params.merge(TINY, {"estimators": {"oneshot": {"args": {"batches": 1}}}}))
    scored = {f"{TASK}: scoring {name}, seed {seed}, iteration {i}" for name, i in RUNS for seed in (0, 1)}
    assert project.planned("demo") == scored | STUDY


def test_a_hyper_parameter_of_a_search_reruns_searches_and_what_they_teach(project: Project) -> None:
    project.write(params.merge(TINY, {"searchers": {"evolution": {"args": {"generations": 3}}}}))
    searched = {("spos", 1), ("landmark-t3", 1), ("landmark-t3", 2)}
    expected = {f"{TASK}: evolution search by {name}, seed {s}, iteration {i}" for name, i in searched for s in (0, 1)}
    sets = ["additions/landmark-t3/s{}/i1", "found/spos/evolution/s{}", "found/landmark-t3/evolution/s{}"]
    for text in ("architectures", "ground truth of"):
        expected |= {f"{TASK}: {text} {name.format(seed)}" for name in sets for seed in (0, 1)}
    for text in ("training", "scoring"):
        expected |= {f"{TASK}: {text} landmark-t3, seed {seed}, iteration 2" for seed in (0, 1)}
    assert project.planned("demo") == expected | STUDY


@pytest.fixture
def source(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the library that the project's Snakemake imports, to be edited."""
    package = project.folder / "src" / "supernet"
    shutil.copytree(ROOT / "src" / "supernet", package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return package


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name}: {old!r}"
    file.write_text(text.replace(old, new))


def test_a_line_of_code_reruns_what_can_reach_it_and_a_comment_nothing(project: Project, source: Path) -> None:
    edit(source / "train.py", "SAVE_EVERY = 30.0  #", "SAVE_EVERY = 30.0  # no more than")
    edit(source / "train.py", '"""The training loop: ', '"""The loop of training: ')
    assert "Nothing to be done" in project.snakemake("--dry-run", "demo")
    edit(source / "report" / "figures.py", "DODGE = 0.01", "DODGE = 0.02")
    figures = {message for message in STUDY if "figures" in message or "complete" in message}
    assert project.planned("demo") == figures
    edit(source / "stages" / "score.py", 'unit="checkpoint"', 'unit="epoch"')  # searches import it
    planned = project.planned("demo")
    assert {message for message in planned if "scoring" in message} == {
        f"{TASK}: scoring {name}, seed {seed}, iteration {i}" for name, i in RUNS for seed in (0, 1)
    }
    assert not any("training spos" in message or "images" in message for message in planned)


def refused(project: Project, *arguments: str) -> str:
    """The one line that a refused command prints; it leaves every file as it was."""
    done = project.supernet(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_what_was_tampered_with_is_named_by_whoever_builds_on_it(project: Project) -> None:
    study = ["--scale", "demo", "--study", "demo"]
    report = project.folder / "results/demo/report/demo/table.md"
    before = records.sha256(report)

    weights = project.folder / WEIGHTS
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # one bit of one weight
    for command in (["stage", "measure", *study], ["verify", "--scale", "demo"]):  # what scores were made from
        assert f"was made from another {WEIGHTS} than the one on disk" in refused(project, *command)
    weights.write_bytes(content)

    scores = project.folder / SCORES
    content, table = scores.read_bytes(), records.read_table(scores)
    records.write_table(scores, table.assign(loss=-table["loss"]), records.provenance(scores))
    broken = f"metrics/demo.parquet: was made from another {SCORES} than the one on disk"
    for command in (["stage", "summary", *study], ["stage", "figures", *study], ["verify", "--scale", "demo"]):
        assert broken in refused(project, *command)
    scores.write_bytes(content)

    stamp = records.provenance(scores)
    stamp["settings"]["estimator"]["args"]["batches"] = 7
    records.write_table(scores, table, stamp)
    broken = f"{SCORES}: was made by other parameters (settings.estimator.args.batches: 7, params.yaml asks for 2)"
    for command in (["stage", "measure", *study], ["stage", "summary", *study], ["verify", "--scale", "demo"]):
        assert broken in refused(project, *command)
    scores.write_bytes(content)

    assert records.sha256(report) == before
    assert project.supernet("verify", "--scale", "demo").returncode == 0


def test_results_of_other_params_are_refused_in_one_line(project: Project) -> None:
    """A folder that was copied, or taken for Snakemake's own by `--touch`, though params.yaml has changed since."""
    project.write(params.merge(TINY, {"methods": {"spos": {"train": {"batch": 20}}}}))
    project.snakemake("--touch", "--forceall", "demo")
    assert "Nothing to be done" in project.snakemake("--dry-run", "demo")
    where = ["--task", "nasbench201-digits", "--method", "spos", "--estimator", "oneshot", "--seed", "0"]
    line = refused(project, "stage", "score", "--scale", "demo", *where, "--iteration", "1")
    assert "was made by other parameters (settings.train.batch: 40, params.yaml asks for 20)" in line
    output = project.snakemake("demo", "--forcerun", "summary", "--allowed-rules", "demo", "summary", status=1)
    assert "was made by other parameters" in output and "Traceback" not in output


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_mirror_that_cannot_be_read_is_named(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mirror = tmp_path / "mirror"
    if kind == "file":
        mirror.write_text("")
    monkeypatch.setenv("SUPERNET_MIRROR", str(mirror))
    line = refused(project, "stage", "data", "--scale", "demo", "--data", "digits")
    assert f"SUPERNET_MIRROR={mirror}: no readable folder" in line
