"""Which architectures of a search become landmarks."""

import pandas as pd
import pytest
import tiny

from supernet import config, plan, records
from supernet.errors import UserError
from supernet.stages import additions

TASK = "nasbench201-cifar10"


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The additions after the first iteration of a method, with a made-up search and landmarks."""
    monkeypatch.chdir(tmp_path)
    full = config.load("full", tiny.PARAMS)

    def made(**changes):
        method = full.methods["landmark-t3"].model_copy(update={"additions": 2, **changes})
        chosen = full.model_copy(update={"methods": {**full.methods, "landmark-t3": method}})
        return plan.archs(chosen, scale="full", task=TASK, set="additions/landmark-t3/s0/i1")

    landmarks = pd.DataFrame({"arch": tiny.ARCHS[:10], "valid": [tiny.accuracy(a) for a in tiny.ARCHS[:10]]})
    for kind in ("archs", "truth"):
        records.write_table(f"results/full/{kind}/{TASK}/landmarks/distant10/s0.parquet", landmarks, {})
    records.write_table(f"results/full/archs/{TASK}/evaluation.parquet", landmarks[["arch"]][:2], {})
    return made


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("landmark/s0/i1", r"methods\.landmark\.additions: is missing"),
        ("landmark-t3/s0/i3", "landmarks are added after iterations 1 to 2 of landmark-t3"),
        ("landmark-t3/s²/i1", "'s²': expected a letter and a number"),
    ],
)
def test_additions_that_no_method_makes_are_one_line(name, message):
    with pytest.raises(UserError, match=message):
        plan.archs(config.load("full", tiny.PARAMS), scale="full", task=TASK, set=f"additions/{name}")


def added(job, met):
    """What the job adds of the search that met these architectures with these scores."""
    table = pd.DataFrame({"arch": list(met), "score": list(met.values())})
    records.write_table(job.inputs["search"], table, {})
    additions.run(job, None)
    return records.read_table(job.outputs["archs"])["arch"].tolist()


def test_the_best_are_added_and_known_ones_never(job):
    met = {arch: float(i) for i, arch in enumerate(tiny.ARCHS[5:15])}
    assert added(job(), met) == [tiny.ARCHS[14], tiny.ARCHS[13]]
    assert added(job(), {arch: -score for arch, score in met.items()}) == [tiny.ARCHS[10], tiny.ARCHS[11]]
    with pytest.raises(UserError, match=r"met 1 new architectures, fewer than additions.count = 2"):
        added(job(), dict(list(met.items())[:6]))


def test_the_disputed_are_those_whose_ranks_differ_most(job):
    """The super-net ranks as the truth does, but for one architecture that it puts first and one that it puts last."""
    new = sorted(tiny.ARCHS[10:], key=tiny.accuracy)
    met = {arch: tiny.accuracy(arch) for arch in new}
    met[new[0]], met[new[-1]] = 2.0, -1.0
    assert set(added(job(added="disputed"), met)) == {new[0], new[-1]}
