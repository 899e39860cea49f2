"""Real MLflow: every run mirrored once, also while it trains, and what a researcher sees in a browser."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from project import BIN, ROOT, TINY, Project, track, tracked

from supernet import params, records

pytestmark = pytest.mark.system
STUDY = "demo/studies/demo"
RUNS = {f"demo/nasbench201-digits/{method}/s{seed}" for method in ("spos", "landmark-t3") for seed in (0, 1)}
WAIT = 120_000  # milliseconds; a busy machine draws slowly


def store() -> str:
    """The default store of the working directory, by its whole path: MLflow remembers stores by their names."""
    return f"sqlite:///{Path.cwd() / 'mlflow.db'}"


def mirrored() -> dict[str, int]:
    return {what: count for what, count in track.mirror(list(tracked.collect()), store()).items() if count}


def runs() -> dict[str, Any]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(store())
    found = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return {run.data.tags["run_key"]: run for run in found}


def track_fails(uri: str) -> str:
    """What `track.py` says on its one line."""
    command = [sys.executable, ROOT / "workflow/scripts/track.py", "--tracking-uri", uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_every_run_and_study_is_there_once(project: Project) -> None:
    assert mirrored() == {"written": 5}
    assert mirrored() == {"kept": 5}
    found = runs()
    assert set(found) == RUNS | {STUDY}
    run = found["demo/nasbench201-digits/landmark-t3/s0"]
    assert run.info.status == "FINISHED" and run.data.params["train.epochs"] == "3"
    table = records.read_table("results/demo/report/demo/table.parquet").set_index(["label", "quantity"])["value"]
    both = [found[f"demo/nasbench201-digits/landmark-t3/s{seed}"].data.metrics for seed in TINY["seeds"]]
    for name, title in (("S-KdT oneshot loss", "S-KdT, oneshot:loss"), ("Kendall tau", "Kendall tau")):
        assert sum(m[f"final/{name}"] for m in both) / 2 == pytest.approx(table["landmark-t3", title], abs=1e-4)
    assert run.data.metrics["spent/training core-hours"] > 0 and run.data.metrics["spent/peak memory MB"] > 100
    weights = run.data.tags["checkpoint"]
    assert run.data.tags["checkpoint_sha256"] == records.sha256(weights)

    from mlflow.tracking import MlflowClient

    client = MlflowClient(store())
    history = client.get_metric_history(run.info.run_id, "train/lr")
    assert sorted(point.step for point in history) == [1, 2, 3]
    figures = {file.path for file in client.list_artifacts(found[STUDY].info.run_id)}
    assert figures == set(tracked.FIGURES)


def test_a_changed_run_is_written_anew_and_a_gone_one_removed(project: Project) -> None:
    assert mirrored() == {"written": 5}
    before = runs()
    log = Path("results/demo/logs/nasbench201-digits/landmark-t3/s1/i2.jsonl")
    records.write_lines(log, [{**row, "loss": 0.5} for row in records.read_lines(log)])
    assert mirrored() == {"kept": 4, "written": 1}
    after = runs()
    (changed,) = [key for key in after if after[key].info.run_id != before[key].info.run_id]
    assert changed == "demo/nasbench201-digits/landmark-t3/s1" and after[changed].data.metrics["train/loss"] == 0.5
    project.write(params.merge(TINY, {"seeds": [0]}))
    assert mirrored() == {"kept": 2, "written": 1, "removed": 2}  # the study's own entry names its seeds


def test_a_run_grows_while_it_trains(project: Project) -> None:
    """A training of some seconds, mirrored as it goes; its bits are those of one that nobody looked at."""
    longer = {"methods": {"spos": {"train": {"epochs": 202, "warmup": 200, "checkpoint_every": 100}}}}
    project.write(params.merge(TINY, longer))
    code = "from supernet import cli, train; train.SAVE_EVERY = 0.5; cli.main()"
    where = ["--scale", "demo", "--task", "nasbench201-digits", "--method", "spos", "--seed", "0", "--iteration", "0"]
    outputs = [Path(f"results/demo/{p}") for p in (
        "runs/nasbench201-digits/spos/s0/i0/weights.safetensors", "logs/nasbench201-digits/spos/s0/i0.jsonl"
    )]  # fmt: skip
    for kind in ("logs", "metrics", "report"):
        shutil.rmtree(f"results/demo/{kind}")
    seen: list[tuple[int, str]] = []
    hashes = []
    for watched in (True, False):
        for path in outputs:
            path.unlink(missing_ok=True)
        training = subprocess.Popen([sys.executable, "-c", code, "stage", "train", *where], stderr=subprocess.DEVNULL)
        while watched and training.poll() is None:
            mirrored()
            seen += [(int(run.data.tags["epoch"]), run.info.run_id) for run in runs().values()]
            time.sleep(0.2)
        assert training.wait() == 0
        hashes.append([records.sha256(path) for path in outputs])
    epochs, ids = zip(*seen, strict=True)
    assert len(set(epochs)) > 1 and list(epochs) == sorted(epochs) and len(set(ids)) == 1
    assert hashes[0] == hashes[1]
    from mlflow.tracking import MlflowClient

    steps = [point.step for point in MlflowClient(store()).get_metric_history(ids[0], "train/loss")]
    assert sorted(steps) == list(range(1, len(steps) + 1)) and len(steps) >= max(epochs)  # each epoch once


def test_a_store_that_cannot_be_used_is_one_line(project: Project, tmp_path: Path) -> None:
    assert mirrored() == {"written": 5}
    for other in ("0123456789ab", "451aebb31d03"):  # of a later version, and of an earlier one
        with sqlite3.connect("mlflow.db") as database:
            database.execute("update alembic_version set version_num = ?", [other])
        line = track_fails(store())
        assert "store of another MLflow version" in line and "mlflow db upgrade" in line
    Path("mlflow.db").write_text("not a database")
    assert "no store that MLflow can use" in track_fails(store())
    started = time.monotonic()
    line = track_fails("http://127.0.0.1:9")
    assert "http://127.0.0.1:9: the tracking server does not answer" in line and "MLFLOW_TRACKING_URI" in line
    assert time.monotonic() - started < 120


def test_thousands_of_metrics_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    points = [(f"train/{name}", 0.5, epoch) for epoch in range(1, 501) for name in "abcdefgh"]
    first, *others = [
        tracked.Record("e", f"r{i}", f"e/r{i}", {}, {}, points if i else points[:1]) for i in range(6)
    ]  # fmt: skip
    track.mirror([first], store())  # makes the database
    started = time.process_time()
    track.mirror([first, *others], store())
    assert len(points) * len(others) / (time.process_time() - started) > 2000


@pytest.fixture
def visit(project: Project, browser: Any) -> Iterator[Callable[[str], Any]]:
    """Open an address of MLflow's server on a page of its own: its views go by what the page showed before."""
    mirrored()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [BIN / "mlflow", "ui", "--backend-store-uri", store(), "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        until = time.monotonic() + WAIT / 1000
        while not _answers(f"{address}/health"):
            assert server.poll() is None and time.monotonic() < until
            time.sleep(0.5)
        context = browser.new_context(base_url=address, viewport={"width": 1700, "height": 1100})
        context.set_default_timeout(WAIT)
        context.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")

        def visit(path: str) -> Any:
            page = context.new_page()
            page.goto(path)
            return page

        yield visit
        context.close()
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def _answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except OSError:
        return False


def shot(page: Any, name: str) -> int:
    """Keep a picture of the page in logs/, for whoever wants to look; how many colours it has."""
    path = ROOT / "logs" / "screenshots" / f"mlflow-{name}.png"
    page.screenshot(path=path)
    return len(Image.open(path).convert("RGB").getcolors(1 << 24))


def test_the_pages_show_what_a_researcher_looks_for(visit: Callable[[str], Any]) -> None:
    run = runs()["demo/nasbench201-digits/spos/s0"]
    experiment = run.info.experiment_id
    page = visit(f"/#/experiments/{experiment}/runs?viewStateShareKey={track.views.KEY}")
    for text in ("Group: spos", "Group: landmark-t3", "landmark-t3 s1"):
        page.get_by_text(text).first.wait_for()
    for heading in ("S-KdT oneshot loss", "Kendall tau", "training core-hours"):
        page.get_by_role("columnheader").filter(has_text=heading).first.wait_for()
    page.get_by_text(str(run.data.metrics["final/Kendall tau"])).first.wait_for()
    assert shot(page, "by-method") > 50

    page = visit(f"/#/experiments/{experiment}/runs?compareRunsMode=CHART")
    page.get_by_text("final/Kendall tau").first.wait_for()
    page.locator(".js-plotly-plot .bars").first.wait_for()  # one number a run: bars, not points over steps
    assert shot(page, "compare") > 50

    study = runs()[STUDY]
    page = visit(f"/#/experiments/{study.info.experiment_id}/runs/{study.info.run_id}/artifacts/effects.png")
    page.wait_for_function("[...document.images].some(image => image.naturalWidth > 500)")  # the figure is drawn
    assert shot(page, "figures") > 50
