"""The official release of NAS-Bench-201 as a table: what is read, and what is refused."""

import bz2
import os
import pickle
import tarfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from supernet.errors import UserError
from supernet.tables import nasbench201

NAME = "NATS-tss-v1_0-3ffb9-simple"
ARCHS = [
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
]


def trial(training: str, seed: int, epochs: int, params: float, accuracies: dict[str, float]) -> dict:
    """One training in the release's format; the evaluations of the last epoch are ``accuracies`` (percent)."""
    last = {f"{name}@{epochs - 1}": value for name, value in accuracies.items()}
    return {
        "name": training,
        "net_state_dict": None,
        "train_acc1es": OrderedDict(dict.fromkeys(range(epochs), 50.0)),
        "train_acc5es": None,
        "train_losses": {epochs - 1: 1.0},
        "train_times": OrderedDict({epochs - 1: 2.5}),
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": "", "class_num": 10},
        "params": np.float64(params),
        "flop": 7.783296,
        "seed": str(seed),
        "epochs": epochs,
        "latency": [0.01],
        "eval_names": list(accuracies),
        "eval_acc1es": {f"{next(iter(accuracies))}@0": 10.0, **last},  # an early epoch, which must not be read
        "eval_times": {},
        "eval_losses": dict.fromkeys(last, np.float32(1.0)),
    }


def result(index: int, epochs: int, seeds: tuple[int, ...], base: float) -> dict:
    """All trainings of one architecture; seed number k has accuracies ``base + k`` plus an offset by evaluation."""
    trainings = {
        "cifar10-valid": {"ori-test": 99.0, "x-valid": 0.0},
        "cifar10": {"ori-test": 1.0},
        "cifar100": {"ori-test": 98.0, "x-valid": 2.0, "x-test": 3.0},
        "ImageNet16-120": {"ori-test": 97.0, "x-valid": 4.0, "x-test": 5.0},
    }
    results = {}
    for training, offsets in trainings.items():
        for k, seed in enumerate(seeds):
            accuracies = {name: offset if offset > 90 else base + k + offset for name, offset in offsets.items()}
            params = 0.073306 if training == "cifar10" else 0.079156
            results[training, seed] = trial(training, seed, epochs, params, accuracies)
    return {
        "arch_index": index,
        "arch_str": ARCHS[index],
        "all_results": results,
        "dataset_seed": {training: list(seeds) for training in trainings},
        "clear_net_done": True,
    }


def put(folder: Path, name: str, content: object, protocol: int = 4) -> None:
    (folder / f"{name}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(content, protocol)))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / NAME
    folder.mkdir()
    put(folder, "meta", {"meta_archs": ARCHS, "total_archs": 3, "arch2infos": None, "evaluated_indexes": set()})
    for index in range(3):
        short, long = (777,), (777, 888)
        runs = {"12": result(index, 12, short, 40.0 + index), "200": result(index, 200, long, 60.0 + 10 * index)}
        put(folder, f"{index:06d}", OrderedDict(runs))
    return folder


convert = nasbench201.make(rows=3)


def test_release_means_over_seeds(release: Path):
    table = convert(mirror=None, release=release)
    assert list(table["arch"]) == ARCHS
    assert table["params"].dtype == np.int64 and list(table["params"]) == [73306] * 3
    assert table["flops"].tolist() == pytest.approx([7783296.0] * 3)
    # 200 epochs: seeds base + 0 and base + 1, so the mean is base + 0.5 plus the evaluation's offset.
    expected = {"cifar10_valid": 60.5, "cifar10_test": 61.5, "cifar100_valid": 62.5, "cifar100_test": 63.5}
    expected |= {"imagenet16-120_valid": 64.5, "imagenet16-120_test": 65.5}
    for column, percent in expected.items():
        assert table[f"{column}_200"].tolist() == pytest.approx(
            [percent / 100, percent / 100 + 0.1, percent / 100 + 0.2]
        )
    assert table["cifar10_test_12"].tolist() == pytest.approx([0.41, 0.42, 0.43])  # one seed
    assert table["imagenet16-120_test_12"].tolist() == pytest.approx([0.45, 0.46, 0.47])
    assert len(table.columns) == 3 + 12


def test_release_as_tar_or_inside_a_folder(release: Path, tmp_path: Path):
    elsewhere = tmp_path / "downloads"
    elsewhere.mkdir()
    with tarfile.open(elsewhere / f"{NAME}.tar", "w") as tar:
        tar.add(release, arcname=NAME)
    expected = convert(mirror=None, release=release)
    for path in (elsewhere / f"{NAME}.tar", elsewhere, tmp_path):
        pd.testing.assert_frame_equal(convert(mirror=None, release=path), expected)


def test_release_wins_over_mirror(release: Path, tmp_path: Path):
    assert len(convert(mirror=tmp_path / "nowhere", release=release)) == 3


def test_untrained_architecture_is_nan(release: Path):
    runs = {"12": result(1, 12, (777,), 40.0), "200": result(1, 200, (777,), 60.0)}
    del runs["12"]["all_results"]["cifar100", 777]
    put(release, "000001", runs)
    table = convert(mirror=None, release=release)
    assert table["cifar100_test_12"].isna().tolist() == [False, True, False]
    assert table["cifar10_test_12"].notna().all()


def test_reads_pickles_of_numpy_1(release: Path):
    path = release / "000000.pickle.pbz2"
    content = pickle.loads(bz2.decompress(path.read_bytes()))
    old = pickle.dumps(content, 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in old
    path.write_bytes(bz2.compress(old))
    assert convert(mirror=None, release=release)["params"][0] == 73306


class Attack:
    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_pickle_that_runs_code_is_refused(release: Path, tmp_path: Path):
    put(release, "000002", Attack(tmp_path / "ran"))
    with pytest.raises(UserError, match=r"000002.*refused.*mkdir"):
        convert(mirror=None, release=release)
    assert not (tmp_path / "ran").exists()


def drop(folder: Path):
    (folder / "000001.pickle.pbz2").unlink()


def truncate(folder: Path):
    path = folder / "000001.pickle.pbz2"
    path.write_bytes(path.read_bytes()[:100])


def swap(folder: Path):
    (folder / "000001.pickle.pbz2").write_bytes((folder / "000002.pickle.pbz2").read_bytes())


def lack_schedule(folder: Path):
    put(folder, "000001", {"12": result(1, 12, (777,), 40.0)})


def reshape(folder: Path):
    runs = {"12": result(1, 12, (777,), 40.0), "200": result(1, 200, (777,), 40.0)}
    del runs["200"]["all_results"]["cifar10", 777]["flop"]
    put(folder, "000001", runs)


@pytest.mark.parametrize(
    "damage, message",
    [
        (drop, "000001.pickle.pbz2 is missing"),
        (truncate, "000001.pickle.pbz2 is damaged"),
        (swap, "meta.pickle.pbz2 says"),
        (lack_schedule, "no entry '200'"),
        (reshape, "not in the format of NATS-Bench .*flop"),
    ],
)
def test_damaged_release(release: Path, damage, message: str):
    damage(release)
    with pytest.raises(UserError, match=message) as error:
        convert(mirror=None, release=release)
    assert "\n" not in str(error.value)


def test_release_that_is_none(tmp_path: Path, release: Path):
    with pytest.raises(UserError, match=r"no source.*SUPERNET_MIRROR.*github.*nowhere"):
        convert(mirror=None, release=tmp_path / "nowhere")
    (tmp_path / "downloads").mkdir()  # holds other downloads, but no release: the mirror is asked
    with pytest.raises(UserError, match=r"mirror.*no such file"):
        convert(mirror=tmp_path / "mirror", release=tmp_path / "downloads")
    (tmp_path / "broken.tar").write_bytes(b"no tar")
    with pytest.raises(UserError, match=r"broken\.tar: not a readable \.tar"):
        convert(mirror=None, release=tmp_path / "broken.tar")
    with tarfile.open(tmp_path / "cut.tar", "w") as tar:
        tar.add(release, arcname=NAME)
    os.truncate(tmp_path / "cut.tar", 1500)
    with pytest.raises(UserError, match=r"cut\.tar"):
        convert(mirror=None, release=tmp_path / "cut.tar")
    with pytest.raises(UserError, match="holds 3 architectures, expected 15625"):
        nasbench201.make()(mirror=None, release=release)
