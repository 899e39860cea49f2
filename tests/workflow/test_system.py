"""The same tiny study under real DVC and real MLflow."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import BIN, ROOT, Project

from supernet import params

sys.path.insert(0, str(ROOT / "workflow" / "scripts"))
import stages
import track

pytestmark = pytest.mark.system
LANDMARK = "demo_run_nasbench201-digits_landmark-t3"


@pytest.fixture(scope="module")
def kept(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished project as a repository of its own, under DVC."""
    project = finished.copy(tmp_path_factory.mktemp("dvc") / "project")
    for name in ("Snakefile", "workflow", "profiles", ".dvcignore", ".gitignore"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project.folder / name)
    shutil.copytree(ROOT / "src", project.folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (project.folder / ".dvc").mkdir()
    for name in ("config", ".gitignore"):
        shutil.copy(ROOT / ".dvc" / name, project.folder / ".dvc" / name)
    # Here the demo stands for a study whose results git keeps.
    ignored = project.folder / ".gitignore"
    ignored.write_text(ignored.read_text().replace("/results/demo/\n", ""))
    (project.folder / "dvc.yaml").write_text(stages.document(project.folder / "params.yaml"))
    run(project, "git", "init", "--quiet")
    return project


def run(project: Project, *command: str) -> str:
    environment = {"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", "HOME": str(project.folder)}
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_second_repro_does_nothing_in_seconds(kept: Project) -> None:
    run(kept, "dvc", "repro")
    started = time.monotonic()
    output = run(kept, "dvc", "repro")
    assert time.monotonic() - started < 20
    assert "Running stage" not in output and "up to date" in output
    run(kept, "git", "add", "--all")  # what git keeps and what DVC keeps do not overlap
    tracked = run(kept, "git", "ls-files", "results").splitlines()
    assert "results/demo/metrics/demo.parquet" in tracked
    assert not [path for path in tracked if path.endswith(".safetensors")]
    assert "Data and pipelines are up to date" in run(kept, "dvc", "status")


def test_a_change_runs_its_stages_only(kept: Project) -> None:
    path = kept.folder / "params.yaml"
    path.write_text(path.read_text().replace("weight: 10.0", "weight: 5.0"))
    output = run(kept, "dvc", "repro")
    assert {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")} == {
        LANDMARK,
        "demo_study_demo",
    }


def test_mlflow_mirrors_every_run_once(finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = finished.copy(tmp_path / "copy")
    monkeypatch.chdir(project.folder)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    found = list(track.collect())
    assert {record.key for record in found} == {
        f"demo/nasbench201-digits/{method}/s{seed}" for method in ("spos", "landmark-t3") for seed in (0, 1)
    }
    assert track.mirror(found, uri) == {"kept": 0, "written": 4, "removed": 0}
    assert track.mirror(list(track.collect()), uri) == {"kept": 4, "written": 0, "removed": 0}

    raw = params.read("params.yaml")
    raw["scales"]["demo"]["seeds"] = [0]
    project.write(raw["scales"]["demo"])
    assert track.mirror(list(track.collect()), uri) == {"kept": 2, "written": 0, "removed": 2}

    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    (experiment,) = (e for e in client.search_experiments() if e.name == "demo/nasbench201-digits")
    runs = client.search_runs([experiment.experiment_id], filter_string="tags.method = 'landmark-t3'")
    assert [run.data.tags["seed"] for run in runs] == ["0"]
    history = client.get_metric_history(runs[0].info.run_id, "train/lr")
    assert [point.step for point in sorted(history, key=lambda p: p.step)] == [1, 2, 3]
    assert runs[0].data.params["method.train.epochs"] == "3"
