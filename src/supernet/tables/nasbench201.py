"""NAS-Bench-201 (topology space of NATS-Bench): 15,625 cells on three data sets, trained for 12 and for 200 epochs.

Sources: Dong and Yang, ICLR 2020; Dong et al., TPAMI 2021. CIFAR-10's validation accuracy belongs to networks trained
on the half ``cifar10-valid``, its test accuracy to networks trained on all 50,000 images: two separate trainings.

Two routes give the common schema. Where each column comes from:

* **release**, the archive ``NATS-tss-v1_0-3ffb9-simple`` that a user supplies, as a folder or a .tar. Every accuracy is
  the mean over the seeds present (one to three), after the last epoch. ``cifar10_valid`` is ``x-valid`` of
  ``cifar10-valid``, ``cifar10_test`` is ``ori-test`` of ``cifar10``; the others are ``x-valid`` and ``x-test`` of their
  data set. ``params`` and ``flops`` are the benchmark's own counts.
* **mirror**, the file ``nasbench201.parquet``, collected from public repositories. ``*_test_200`` is the mean over the
  seeds present; ``*_valid_200`` is **one seed**, which one is not recorded; ``*_12`` are taken from a published digest
  of the benchmark that does not record the seeds. ``params`` equals the benchmark's count; ``flops`` follows NASLib's
  counter, slightly above the benchmark's own.
"""

import bz2
import contextlib
import io
import math
import pickle
import statistics
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from supernet import paths, tables
from supernet.errors import UserError

EPOCHS = (12, 200)
# (data set, split) of the schema -> (training set, evaluation set) of the release.
TRIALS = {
    ("cifar10", "valid"): ("cifar10-valid", "x-valid"),
    ("cifar10", "test"): ("cifar10", "ori-test"),
    ("cifar100", "valid"): ("cifar100", "x-valid"),
    ("cifar100", "test"): ("cifar100", "x-test"),
    ("imagenet16-120", "valid"): ("ImageNet16-120", "x-valid"),
    ("imagenet16-120", "test"): ("ImageNet16-120", "x-test"),
}


def make(
    *,
    mirror_file: str = "nasbench201.parquet",
    mirror_sha256: str = "c64c8b46a1ae4a84b829ee3a990700cc973aa7b3fae59671e00445741ce7d59e",
    release: str = "NATS-tss-v1_0-3ffb9-simple",
    url: str = "https://github.com/D-X-Y/NATS-Bench",
    rows: int = 15625,
) -> tables.Converter:
    """A converter to the common schema; ``rows`` is the number of architectures that a source must hold.

    * ``mirror_file``, ``mirror_sha256``: name and checksum of the file in the mirror folder.
    * ``release``: name of the public release; ``url``: the page that links it, told to who lacks it.
    """
    official = f"{release} from {url}"
    archive = release

    def convert(mirror: Path | None, release: Path | None) -> pd.DataFrame:
        source = None if release is None else _locate(release, archive)
        if source is not None:
            table = _from_release(source, rows)
        elif mirror is not None:
            source = mirror / mirror_file
            table = _from_mirror(source, mirror_sha256, rows, official)
        else:
            raise UserError(
                f"nasbench201: no source; set {paths.MIRROR} to a folder with {mirror_file}, or put {official}"
                f" into {release or 'a folder'}"
            )
        return tables.check(table, str(source))

    return convert


def _from_mirror(path: Path, sha256: str, rows: int, official: str) -> pd.DataFrame:
    raw = tables.mirrored(path, sha256, official).sort_values("arch_index", ignore_index=True)
    tables.expect(rows, len(raw), path)
    columns: dict[str, Any] = {
        "arch": raw["arch_str"],
        "params": _count(tables.decimal(raw["cifar10_params_m"]), path),
        "flops": tables.decimal(raw["cifar10_flops_m"]) * 1e6,
    }
    for dataset, split in TRIALS:
        for epochs in EPOCHS:
            name = f"{dataset.replace('-', '_')}_{split.replace('valid', 'val')}_acc_{epochs}ep_pct"
            columns[f"{dataset}_{split}_{epochs}"] = tables.decimal(raw[name]) / 100
    return pd.DataFrame(columns)


def _count(millions: np.ndarray, source: Path) -> np.ndarray:
    counts = np.rint(millions * 1e6)
    if not np.allclose(millions * 1e6, counts, rtol=0, atol=1e-3):
        raise UserError(
            f"{source}: a parameter count is no whole number; expected millions with six decimals, get the file again"
        )
    return counts.astype(np.int64)


def _locate(path: Path, archive: str) -> Path | None:
    """The folder or .tar itself, or the one named ``archive`` inside ``path``; None if there is neither."""
    for candidate in (path, path / archive, path / f"{archive}.tar"):
        if candidate.is_file() or (candidate / "meta.pickle.pbz2").is_file():
            return candidate
    return None


def _from_release(path: Path, expected: int) -> pd.DataFrame:
    with _members(path) as read:
        archs = _field(read("meta.pickle.pbz2"), "meta_archs", f"{path}: meta.pickle.pbz2")
        tables.expect(expected, len(archs), path)
        rows = []
        for index, arch in enumerate(tqdm(archs, desc="nasbench201", unit="arch", disable=None)):
            name = f"{index:06d}.pickle.pbz2"
            rows.append(_row(read(name), arch, f"{path}: {name}"))
    table = pd.DataFrame(rows)
    table["params"] = _count(table["params"].to_numpy(), path)
    return table


@contextlib.contextmanager
def _members(path: Path) -> Iterator[Callable[[str], Any]]:
    """Yield a function that reads one pickle of a folder or .tar by its file name."""
    with contextlib.ExitStack() as stack:
        if path.is_dir():

            def fetch(name: str) -> bytes:
                return (path / name).read_bytes()

        else:
            try:
                tar = stack.enter_context(tarfile.open(path))
                members = {Path(member.name).name: member for member in tar if member.isfile()}
            except (tarfile.TarError, OSError, EOFError) as error:
                raise UserError(f"{path}: not a readable .tar ({error}); get the release again") from None

            def fetch(name: str) -> bytes:
                return tar.extractfile(members[name]).read()

        def read(name: str) -> Any:
            try:
                return _Unpickler(io.BytesIO(bz2.decompress(fetch(name)))).load()
            except UserError as error:
                raise UserError(f"{path}: {name}: {error}") from None
            except (KeyError, FileNotFoundError):
                raise UserError(f"{path}: {name} is missing; the release is incomplete, get it again") from None
            except Exception as error:  # a damaged pickle may raise almost anything
                raise UserError(f"{path}: {name} is damaged ({error}); get the release again") from None

        yield read


# A pickle can run any code; these names build plain containers and numbers and nothing else.
PLAIN = {
    ("builtins", "set"),
    ("builtins", "list"),
    ("builtins", "dict"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "scalar"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core.", "numpy._core.")  # the release was written by numpy 1
        if (module, name) not in PLAIN:
            raise UserError(
                f"refused, the pickle asks for {module}.{name}; expected plain numbers, get the official release"
            )
        return super().find_class(module, name)


def _field(content: Any, key: str, source: str) -> Any:
    if not isinstance(content, dict) or key not in content:
        raise UserError(f"{source} has no entry {key!r}; expected the 'simple' release of NATS-Bench's topology space")
    return content[key]


def _row(content: Any, arch: str, source: str) -> dict[str, Any]:
    """One row of the table from ``{"12" | "200": {"arch_str", "all_results": {(training set, seed): trial}}}``."""
    runs = {epochs: _field(content, str(epochs), source) for epochs in EPOCHS}
    trials = {epochs: _field(run, "all_results", source) for epochs, run in runs.items()}
    if (found := _field(runs[200], "arch_str", source)) != arch:
        raise UserError(f"{source} describes {found}, but meta.pickle.pbz2 says {arch}; get the release again")
    try:
        cost = next(trial for (training, _), trial in trials[200].items() if training == "cifar10")
        row = {"arch": arch, "params": float(cost["params"]), "flops": float(cost["flop"]) * 1e6}
        for (dataset, split), (training, evaluation) in TRIALS.items():
            for epochs in EPOCHS:
                row[f"{dataset}_{split}_{epochs}"] = _mean(trials[epochs], training, f"{evaluation}@{epochs - 1}") / 100
    except (StopIteration, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{source} is not in the format of NATS-Bench ({type(error).__name__}: {error}); get it again"
        ) from None
    return row


def _mean(trials: dict[tuple[str, int], dict[str, Any]], training: str, evaluation: str) -> float:
    """Mean over seeds of one accuracy, in percent; NaN if the release holds none."""
    seeds = [trial["eval_acc1es"] for (name, _), trial in trials.items() if name == training]
    values = [float(accuracies[evaluation]) for accuracies in seeds if evaluation in accuracies]
    return statistics.fmean(values) if values else math.nan
