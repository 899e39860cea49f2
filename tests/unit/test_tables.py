"""Benchmark tables: the common schema, the search for a table, and NAS-Bench-201 from a mirror."""

import itertools
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from supernet import paths, records, tables
from supernet.errors import UserError
from supernet.tables import nasbench201

ARCHS = [
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
]
MIRROR = os.environ.get(paths.MIRROR)
needs_mirror = pytest.mark.skipif(
    not MIRROR, reason=f"{paths.MIRROR} is unset: it names the folder with nasbench201.parquet"
)


def mirror_table(folder: Path, **changes: list) -> str:
    """A two-architecture file in the mirror's format; returns its checksum."""
    raw = {"arch_index": [1, 0], "arch_str": ARCHS[:2], "cifar10_params_m": [0.129306, 0.073306]}
    raw |= {"cifar10_flops_m": [17.5, 7.5]}
    for dataset, split, epochs in itertools.product(
        ("cifar10", "cifar100", "imagenet16_120"), ("test", "val"), (12, 200)
    ):
        raw[f"{dataset}_{split}_acc_{epochs}ep_pct"] = [91.18, 10.0]
    raw["cifar10_val_acc_200ep_pct"] = [84.384, 9.7]
    frame = pd.DataFrame(raw | changes)
    frame = frame.astype(dict.fromkeys(frame.columns[2:], "float32"))
    records.write_table(folder / "nasbench201.parquet", frame, {})
    return records.sha256(folder / "nasbench201.parquet")


def test_mirror_route(tmp_path: Path):
    table = nasbench201.make(rows=2, mirror_sha256=mirror_table(tmp_path))(mirror=tmp_path, release=None)
    assert list(table["arch"]) == [ARCHS[1], ARCHS[0]]  # the file lists index 1 first
    assert list(table["params"]) == [73306, 129306]
    assert list(table["flops"]) == [7.5e6, 17.5e6]
    # The published decimals come back exactly, not as their float32 neighbours (0.9118000030517578).
    assert list(table["cifar10_test_200"]) == [0.1, 91.18 / 100]
    assert list(table["cifar10_valid_200"]) == [9.7 / 100, 84.384 / 100]


def test_mirror_faults(tmp_path: Path):
    with pytest.raises(UserError, match=r"nasbench201\.parquet: no such file.*SUPERNET_MIRROR"):
        nasbench201.make()(mirror=tmp_path, release=None)
    mirror_table(tmp_path)
    before = (tmp_path / "nasbench201.parquet").read_bytes()
    with pytest.raises(UserError, match="sha256 is"):
        nasbench201.make()(mirror=tmp_path, release=None)
    assert (tmp_path / "nasbench201.parquet").read_bytes() == before  # the user's file stays
    assert [path.name for path in tmp_path.iterdir()] == ["nasbench201.parquet"]
    fractional = mirror_table(tmp_path, cifar10_params_m=[0.5, 0.0733065])
    with pytest.raises(UserError, match="whole number"):
        nasbench201.make(rows=2, mirror_sha256=fractional)(mirror=tmp_path, release=None)
    with pytest.raises(UserError, match="no source; set SUPERNET_MIRROR"):
        nasbench201.make()(mirror=None, release=None)


def small(accuracy: float = 0.5, **changes: list) -> pd.DataFrame:
    return pd.DataFrame(
        {"arch": ["a", "b"], "params": [1, 2], "flops": [1.0, 2.0], "cifar10_test_200": accuracy} | changes
    )


def test_load_finds_the_newest_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for age, scale, accuracy in ((2000, "demo", 0.1), (1000, "reduced", 0.2), (3000, "full", 0.3)):
        path = tmp_path / f"results/{scale}/tables/nasbench201.parquet"
        records.write_table(path, small(accuracy), {})
        os.utime(path, (time.time() - age,) * 2)
    assert tables.load("nasbench201")["cifar10_test_200"].tolist() == [0.2, 0.2]
    assert tables.load("nasbench201", path=path)["cifar10_test_200"].tolist() == [0.3, 0.3]


def test_load_without_a_table_tells_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(paths.MIRROR, raising=False)
    with pytest.raises(UserError, match=r"run `snakemake results/.*/tables/nasbench201\.parquet`"):
        tables.load("nasbench201")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv(paths.MIRROR, str(tmp_path / "empty"))
    with pytest.raises(UserError, match=r"empty/nasbench201\.parquet: no such file"):
        tables.load("nasbench201")
    with pytest.raises(UserError, match=r"unknown benchmark; expected one of .*nasbench201"):
        tables.load("nasbench999")


@pytest.mark.parametrize(
    "table, message",
    [
        (small().drop(columns="params"), "no column params"),
        (small().drop(columns="cifar10_test_200"), "no accuracy column"),
        (small(arch=["a", "a"]), "architecture a occurs twice"),
        (small(50.0), "cifar10_test_200 is not a fraction"),
        (small(float("nan")), "cifar10_test_200 holds no value"),
    ],
)
def test_other_schemas_are_refused(tmp_path: Path, table: pd.DataFrame, message: str):
    records.write_table(tmp_path / "t.parquet", table, {})
    with pytest.raises(UserError, match=rf"t\.parquet: .*{message}"):
        tables.load("nasbench201", path=tmp_path / "t.parquet")


def test_opens_fast_and_without_torch(tmp_path: Path):
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    cells = ["|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*ops) for ops in itertools.product(operations, repeat=6)]
    rng = np.random.Generator(np.random.Philox(0))
    columns = [
        f"{d}_{s}_{e}" for d in ("cifar10", "cifar100", "imagenet16-120") for s in ("valid", "test") for e in (12, 200)
    ]
    table = pd.DataFrame({"arch": cells, "params": 1, "flops": 1.0} | {c: rng.random(len(cells)) for c in columns})
    path = tmp_path / "nasbench201.parquet"
    records.write_table(path, table, {})
    program = (
        "import sys; from supernet import tables; "
        f"assert len(tables.load('nasbench201', path={str(path)!r})) == 15625; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    start = time.process_time()  # of this process alone: a neighbour's load does not count
    tables.load("nasbench201", path=path)
    assert time.process_time() - start < 0.5


@needs_mirror
def test_mirror_is_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    table = tables.load("nasbench201")
    assert len(table) == 15625 and table["arch"].is_unique
    assert not table.isna().any().any()
    # The order of the official index: the anchors that its generator asserts, and the published optima.
    assert table["arch"][0] == ARCHS[0]
    assert table["arch"][9] == "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
    optima = {"cifar10": (6111, 0.94373), "cifar100": (9930, 0.73513), "imagenet16-120": (857, 0.47311)}
    for dataset, (index, accuracy) in optima.items():
        assert table[f"{dataset}_test_200"].idxmax() == index
        assert table[f"{dataset}_test_200"][index] == pytest.approx(accuracy, abs=1e-5)
    assert table["arch"][6111] == ARCHS[2]


@needs_mirror
def test_mirror_counts_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    table = tables.load("nasbench201")
    # 5 cells a stage of 16, 32, 64 channels C; an edge is a convolution (k*k*C*C) with batch norm (2C).
    conv3x3, conv1x1 = (sum(5 * (k * C * C + 2 * C) for C in (16, 32, 64)) for k in (9, 1))
    # Outside the cells: stem 464, residual blocks 14464 and 57600, last batch norm 128, classifier 650.
    outside = 464 + 14464 + 57600 + 128 + 650
    for arch, params in zip(table["arch"], table["params"], strict=True):
        edges = re.findall("nor_conv_[13]x[13]", arch)
        assert params == outside + edges.count("nor_conv_3x3") * conv3x3 + edges.count("nor_conv_1x1") * conv1x1
