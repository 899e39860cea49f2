"""Weights split by the preceding choices: what a split set is trained from, and that nothing else moves."""

from pathlib import Path

import numpy as np
import pytest
from project import Project

from supernet import checkpoints, records, spaces

SPACE = spaces.load("nasbench201")
SHAPE = {"width": 4, "cells": 1, "classes": 10}
METHODS = {
    "shared": {"base": "spos", "iterations": 2, "net": {"affine": False}, "train": {"epochs": 6, "warmup": 2}},
    "split": {
        "base": "shared",
        "iterations": 1,
        "start": "shared",
        "start_at": 1,
        "net": {"sharing": "conditional", "warmup_sharing": "one_shot"},
        "train": {"warmup": 4},
    },
    "lazy": {
        "base": "shared",
        "iterations": 1,
        "net": {"sharing": "conditional", "warmup_sharing": "one_shot", "copies": "lazy"},
        "train": {"decay_unused": True},
    },
}
RUN = "results/demo/runs/nasbench201-digits/{}/s0/i{}/weights.safetensors"
SCORES = "results/demo/scores/nasbench201-digits/{}/oneshot/s0/i1.parquet"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = {"methods": [*METHODS], "contrasts": [["split", "shared"]]}
    project = Project(tmp_path_factory.mktemp("split") / "project", methods=METHODS, studies={"demo": study})
    project.snakemake(RUN.format("shared", 2), SCORES.format("split"), SCORES.format("lazy"))
    return project.folder


def test_every_split_set_begins_as_its_parent_and_only_what_is_met_moves(trained: Path) -> None:
    """The net that is not split has iterations 0, 1, 2 of two epochs each; the split one goes on from iteration 1."""
    at_split = records.read_tensors(trained / RUN.format("shared", 1))
    after = records.read_tensors(trained / RUN.format("split", 1))
    shared, net = (SPACE.build(**SHAPE, sharing=kind).sharing for kind in ("one_shot", "conditional"))
    begun = checkpoints.split(at_split, net.parents(shared, [5] * 6))
    ends = {prefix: checkpoints.under(after, prefix) for prefix in ("6/", "momentum/")}
    begins = {"6/": checkpoints.under(begun, "4/"), "momentum/": checkpoints.under(begun, "momentum/")}
    weights = {name for name in ends["6/"] if ".ops." in name}
    moved = {name for name in weights if not np.array_equal(ends["6/"][name], begins["6/"][name])}
    pushed = {name for name in weights if not np.array_equal(ends["momentum/"][name], begins["momentum/"][name])}
    assert weights == {name for name in begins["6/"] if ".ops." in name} and moved == pushed
    assert 0 < len(moved) < len(weights) / 2  # 16 steps, and most sets belong to one path in 125
    rest = {name for name in ends["6/"] if ".ops." not in name and ends["6/"][name].dtype.kind == "f"}
    assert rest and not any(np.array_equal(ends["6/"][name], begins["6/"][name]) for name in rest)  # stem, head


def test_both_ways_to_copy_end_in_the_same_names_and_are_scored(trained: Path) -> None:
    names = [{n.split("/", 1)[1] for n in records.read_tensors(trained / RUN.format(m, 1))} for m in ("split", "lazy")]
    assert names[0] == names[1]
    for method in ("split", "lazy"):
        assert np.isfinite(records.read_table(trained / SCORES.format(method))["loss"]).all()
