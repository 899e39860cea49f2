"""NAS-Bench-Macro: 6,561 nets trained on CIFAR-10 for 50 epochs, three times each.

Source: Su et al., CVPR 2021; ``nas-bench-macro_cifar10.json`` of their repository, which a user supplies, or
``nasbench_macro.parquet`` of a mirror, made from it. Trained on all 50,000 images: there is a test accuracy alone, the
mean of three trainings, whose own accuracies are ``cifar10_test_50_s0`` to ``_s2``.
"""

import json
from pathlib import Path

import pandas as pd

from supernet import paths, tables
from supernet.errors import UserError

SEEDS = range(3)


def make(
    *,
    mirror_file: str = "nasbench_macro.parquet",
    mirror_sha256: str = "ead98aff0e882470f14bf76a599414a42c04f938cdf8a98a386e1109d01e9bdd",
    release: str = "nas-bench-macro_cifar10.json",
    url: str = "https://github.com/xiusu/NAS-Bench-Macro",
    rows: int = 6561,
) -> tables.Converter:
    """A converter to the common schema; ``rows`` is the number of architectures that a source must hold.

    * ``mirror_file``, ``mirror_sha256``: name and checksum of the file in the mirror folder.
    * ``release``, ``url``: the public file, and the repository whose folder ``data`` has it.
    """
    file = release
    official = f"data/{file} of {url}"

    def convert(mirror: Path | None, release: Path | None) -> pd.DataFrame:
        source = release / file if release is not None and release.is_dir() else release
        if source is not None and source.is_file():
            table = _from_release(source, official)
        elif mirror is not None:
            source = mirror / mirror_file
            raw = tables.mirrored(source, mirror_sha256, official)
            seeds = [tables.decimal(raw[f"test_acc_seed{i}_pct"]) for i in SEEDS]
            table = _table(raw["arch"], raw["params"], raw["flops"], seeds)
        else:
            where = release or "a folder"
            raise UserError(
                f"macro: no source; set {paths.MIRROR} to a folder with {mirror_file}, or put {official} into {where}"
            )
        tables.expect(rows, len(table), source)
        return tables.check(table, str(source))

    return convert


def _from_release(path: Path, official: str) -> pd.DataFrame:
    try:
        content = sorted(json.loads(path.read_text()).items())
        archs, nets = [arch for arch, _ in content], [net for _, net in content]
        seeds = [[float(net["test_acc"][i]) for net in nets] for i in SEEDS]
        return _table(archs, [int(net["params"]) for net in nets], [float(net["flops"]) for net in nets], seeds)
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UserError(f"{path}: not in the format of {official} ({what}); get the file again") from None


def _table(archs: object, params: object, flops: object, percent: list) -> pd.DataFrame:
    table = pd.DataFrame({"arch": archs, "params": params, "flops": flops}).astype({"flops": float})
    names = [f"cifar10_test_50_s{i}" for i in SEEDS]
    for name, values in zip(names, percent, strict=True):
        table[name] = pd.Series(values) / 100
    table["cifar10_test_50"] = table[names].mean(axis=1)
    return table
