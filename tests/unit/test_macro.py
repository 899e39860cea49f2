"""Facts of NAS-Bench-Macro that are known from outside this project."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from supernet import arch as archs
from supernet import paths, records, spaces
from supernet.errors import UserError
from supernet.tables import macro

SPACE = spaces.load("macro")
# Parameters of the super-net a layer, all three blocks: the network table of conditional super-network weights.
LAYERS = (36_896, 87_616, 133_184, 322_688, 322_688, 503_936, 1_235_200, 1_235_200)
RELEASE = {
    "00000000": {"test_acc": [45.32, 45.0, 45.5], "mean_acc": 45.27, "std": 0.2, "params": 387882, "flops": 7713280},
    "22212202": {"test_acc": [93.13, 93.1, 93.15], "mean_acc": 93.127, "std": 0.02, "params": 3, "flops": 4},
}
needs_mirror = pytest.mark.skipif(not os.environ.get(paths.MIRROR), reason=f"{paths.MIRROR} is unset")


def test_the_super_net_has_the_papers_parameters_layer_by_layer():
    net = SPACE.build(width=32, cells=1, classes=10)
    (cell,) = net.body
    for layer, expected in enumerate(LAYERS):
        found = sum(p.numel() for name, p in cell.ops.named_parameters() if name.startswith(f"{layer}_"))
        assert found == expected
    assert sum(p.numel() for p in net.stem.parameters()) == 928
    assert sum(p.numel() for p in net.head.parameters()) == 343_050
    assert sum(p.numel() for p in net.parameters()) == 4_221_386


def test_size_and_native_string():
    assert archs.size(SPACE.choices) == 6_561
    assert SPACE.parse("22212202") == (2, 2, 2, 1, 2, 2, 0, 2) and SPACE.format((0,) * 8) == "0" * 8


def test_a_net_of_cells_is_refused():
    with pytest.raises(UserError, match="space macro: expected cells: 1"):
        SPACE.build(width=4, cells=2, classes=3)


def test_the_release_and_the_mirror_give_one_table(tmp_path):
    (tmp_path / "nas-bench-macro_cifar10.json").write_text(json.dumps(RELEASE))
    table = macro.make(rows=2)(mirror=None, release=tmp_path)
    assert table["arch"].tolist() == ["00000000", "22212202"] and table["params"].tolist() == [387882, 3]
    assert table["cifar10_test_50"].tolist() == pytest.approx([0.452733, 0.931267], abs=1e-6)
    raw = {"arch": table["arch"], "params": table["params"], "flops": [7713280, 4]}
    for i in range(3):
        raw[f"test_acc_seed{i}_pct"] = [net["test_acc"][i] for net in RELEASE.values()]
    frame = pd.DataFrame(raw).astype({f"test_acc_seed{i}_pct": "float32" for i in range(3)})
    records.write_table(tmp_path / "nasbench_macro.parquet", frame, {})
    sha256 = records.sha256(tmp_path / "nasbench_macro.parquet")
    mirrored = macro.make(rows=2, mirror_sha256=sha256)(mirror=tmp_path, release=None)
    pd.testing.assert_frame_equal(mirrored, table)


def test_faults_are_one_line(tmp_path):
    with pytest.raises(
        UserError, match=r"macro: no source; set SUPERNET_MIRROR .* or put data/nas-bench-macro_cifar10"
    ):
        macro.make()(mirror=None, release=None)
    with pytest.raises(UserError, match=r"nasbench_macro\.parquet: no such file; point SUPERNET_MIRROR"):
        macro.make()(mirror=tmp_path, release=None)
    file = tmp_path / "nas-bench-macro_cifar10.json"
    for broken in ("{", json.dumps({"0": {"test_acc": [1.0]}}), json.dumps([1])):
        file.write_text(broken)
        with pytest.raises(UserError, match=r"json: not in the format of .*get the file again"):
            macro.make()(mirror=None, release=tmp_path)
    file.write_text(json.dumps(RELEASE))
    with pytest.raises(UserError, match="holds 2 architectures, expected 6561"):
        macro.make()(mirror=None, release=tmp_path)


@needs_mirror
def test_the_real_table():
    table = macro.make()(mirror=paths.mirror(), release=None).set_index("arch")
    assert table["cifar10_test_50"].idxmax() == "22212202"
    assert 100 * table["cifar10_test_50"].max() == pytest.approx(93.127, abs=5e-4)
    assert 100 * table["cifar10_test_50"].mean() == pytest.approx(90.247, abs=5e-4)
    counted = [SPACE.parameters(SPACE.parse(arch), width=32, cells=1, classes=10) for arch in table.index]
    assert np.array_equal(table["params"], counted)
