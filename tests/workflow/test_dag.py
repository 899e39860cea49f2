"""Before anything runs: every target has its rules, dvc.yaml is what params.yaml says, bad input is one line."""

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import BIN, ROOT, TINY, Project
from snakemake.scheduling.job_scheduler import JobScheduler

from supernet import config as configs
from supernet import dag, params, plan
from supernet.sections import Method

sys.path.insert(0, str(ROOT / "workflow" / "scripts"))
import stages

SCALES = params.scales(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def resolved() -> dict[str, configs.Config]:
    return {scale: configs.load(scale, ROOT / "params.yaml") for scale in SCALES}


def tool(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_input_of_every_target_has_a_rule(tmp_path: Path, resolved: dict[str, configs.Config]) -> None:
    """From an empty folder, so that no file that lies about can stand in for a missing rule."""
    project = Project(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    output = project.snakemake("--dry-run", "default", *SCALES)
    total = next(int(line.split()[1]) for line in output.splitlines() if line.startswith("total "))
    jobs = sum(len(stage.jobs) for scale in SCALES for stage in stages.stages(resolved[scale], scale))
    assert total == jobs + 1 + len(SCALES)


def test_every_file_is_kept_by_exactly_one_stage(resolved: dict[str, configs.Config]) -> None:
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    outs = [next(iter(out)) for stage in document.values() for out in stage["outs"]]
    assert len(outs) == len(set(outs))
    for scale in SCALES:
        for study, chosen in resolved[scale].studies.items():
            if scale in chosen.scales:
                jobs = [plan.summary(resolved[scale], scale=scale, study=study)]
                if chosen.claims is not None:
                    jobs.append(plan.ledger(resolved[scale], scale=scale, claims=chosen.claims))
                for each in dag.closure(resolved[scale], jobs):
                    for path in each.outputs.values():
                        assert sum(path == out or path.startswith(out + "/") for out in outs) == 1, path


def test_a_stage_depends_on_the_entries_its_jobs_name() -> None:
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    spos, landmark = (document[f"demo_run_nasbench201-digits_{name}"] for name in ("spos", "landmark"))
    assert "methods.landmark" in landmark["params"] and "methods.landmark" not in spos["params"]
    assert "methods.spos" in landmark["params"]  # its base
    assert "scales.demo.methods.spos" in spos["params"] and "scales.reduced.methods.spos" not in spos["params"]
    assert "results/demo/runs/nasbench201-digits/spos" in landmark["deps"]  # its warm-up
    assert {name for name, stage in document.items() if stage.get("frozen")} == {
        name for name in document if name.startswith(("short_", "full_"))
    }


def changed(config: configs.Config, study: str, **changes: Any) -> configs.Config:
    """``config`` with changes of that study, which may be new."""
    entry = config.studies.get(study, config.studies["landmark-controls"]).model_copy(update=changes)
    return config.model_copy(update={"studies": {**config.studies, study: entry}})


def test_a_paper_has_one_ledger_a_scale(resolved: dict[str, configs.Config]) -> None:
    raw, reduced = params.read(ROOT / "params.yaml"), changed(resolved["reduced"], "another", scales=["reduced"])
    reduced = changed(reduced, "far", scales=["full"])
    ledgers = {stage.name: stage for stage in stages.stages(reduced, "reduced") if stage.kind == "ledger"}
    assert ledgers.keys() == {"reduced_ledger_landmark-2021", "reduced_ledger_conditional-2022"}
    ledger = ledgers["reduced_ledger_landmark-2021"]
    assert ledger.outs == [f"results/reduced/ledger/landmark-2021.{form}" for form in ("md", "parquet")]
    raw = {**raw, "studies": {**raw["studies"], "another": {}, "far": {}}}
    assert {"studies.landmark-controls", "studies.another", "studies.far"} <= set(
        stages.parameters(raw, reduced, ledger)
    )
    assert "studies.demo" not in stages.parameters(raw, reduced, ledger)
    metrics = {path for path in ledger.jobs[0].sources if path.startswith("results/")}
    assert {f"results/reduced/metrics/{name}.parquet" for name in ("landmark-controls", "another")} <= metrics
    assert "results/reduced/metrics/far.parquet" not in metrics
    assert not any(stage.kind == "ledger" for stage in stages.stages(resolved["demo"], "demo"))


def test_a_pool_met_by_the_warm_ups_owner_lies_in_its_stage(resolved: dict[str, configs.Config]) -> None:
    raw = params.read(ROOT / "params.yaml")
    config = changed(
        resolved["reduced"], "nao", methods=["spos", "nao"], searchers=["random"], contrasts=[], claims=None
    )
    made = {stage.name: stage for stage in stages.stages(config, "reduced")}
    spos, nao = (made[f"reduced_run_nasbench201-cifar10_{name}"] for name in ("spos", "nao"))
    pool = "results/reduced/searches/nasbench201-cifar10/{}/nao/s0/i{}.parquet"
    assert pool.format("spos", 0) in spos.files and pool.format("nao", 1) in nao.files
    for stage in (spos, nao):
        assert {"searchers.nao", "estimators.oneshot-search"} <= set(stages.parameters(raw, config, stage))
    methods, studies = {**config.methods, "nao": once(config.methods["nao"])}, {"nao": config.studies["nao"]}
    lone = config.model_copy(update={"methods": methods, "studies": studies})
    (nao,) = (stage for stage in stages.stages(lone, "reduced") if stage.of == "nasbench201-cifar10_nao")
    assert not any("/nao/nao/" in path for path in nao.files)  # its only pool is the owner's
    assert "searchers.nao" in stages.parameters(raw, lone, nao)


def test_a_factorials_method_depends_on_its_design_and_base() -> None:
    document = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    keys = document["full_run_nasbench201-cifar10_paper-or-code-11110"]["params"]
    assert {"factorials.paper-or-code", "methods.landmark", "methods.spos"} <= set(keys)
    assert "factorials.paper-or-code" in document["full_study_paper-or-code"]["params"]
    assert "factorials.paper-or-code" not in document["full_run_nasbench201-cifar10_landmark-t3"]["params"]


def once(method: Method) -> Method:
    return method.model_copy(update={"iterations": 1})


def test_snakemake_still_has_the_limiter_that_the_snakefile_switches_off() -> None:
    assert "self.job_rate_limiter" in inspect.getsource(JobScheduler)
    assert "workflow.scheduler.job_rate_limiter = None" in (ROOT / "Snakefile").read_text()


def test_dvc_yaml_is_current() -> None:
    written = (ROOT / "dvc.yaml").read_text()
    assert written == stages.document(ROOT / "params.yaml"), "run: python workflow/scripts/stages.py"


def test_producer_inverts_the_path_grammar(resolved: dict[str, configs.Config]) -> None:
    path = "results/full/truth/nasbench201-cifar10/additions/landmark-t3/s4/i2.parquet"
    assert dag.producer(resolved["full"], path).outputs == {"truth": path}
    with pytest.raises(LookupError, match=r"results/full/other\.txt"):
        dag.producer(resolved["full"], "results/full/other.txt")


def test_snakefiles_are_formatted_and_lint_clean() -> None:
    formatted = tool(BIN / "snakefmt", "--check", "Snakefile", "workflow")
    assert formatted.returncode == 0, formatted.stderr
    report = tool(BIN / "snakemake", "--lint").stderr
    found = {line.strip(" *") for line in report.splitlines() if line.startswith("    * ")}
    assert found == {"Specify a conda environment or container for each rule.:"}  # requirements.lock is the environment


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seeds": "three"}, "params.yaml: seeds: "),
        ({"seedz": [0]}, "params.yaml: seedz: is not a known key"),
        ({"methods": {"spos": {"train": {"warmup": 99}}}}, "params.yaml: methods.spos.train.warmup: 99"),
        (
            {"methods": {"landmark": {"regulariser": {"args": {"wait": 1.0}}}}},
            "params.yaml: methods.landmark.regulariser.args.wait: is not a known key",
        ),
    ],
)
def test_bad_params_are_one_line_before_any_job(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    project = Project(tmp_path, **changes)
    assert expected in only_line(project.snakemake("--dry-run", "demo", status=1))


def test_config_on_the_command_line_is_refused(tmp_path: Path) -> None:
    output = Project(tmp_path).snakemake("--dry-run", "demo", "--config", "seeds=7", status=1)
    assert "--config seeds: refused" in only_line(output)


def only_line(output: str) -> str:
    lines = [line for line in output.splitlines() if not line.startswith("Using workflow specific profile")]
    assert len(lines) == 1, output
    return lines[0]


def test_tiny_params_are_those_of_the_demo_but_for_sizes() -> None:
    assert set(TINY) <= set(params.read(ROOT / "params.yaml"))
