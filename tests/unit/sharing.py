"""What each process of a shared training runs: ``sharing.py FOLDER``, started by the test of ranks."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from test_train import SETTINGS, StopAt, made, run

from supernet import plugins
from supernet import train as loop
from supernet.ranks import Ranks, leads

torch.set_num_threads(1)
HALVES = SETTINGS.model_copy(update={"batch": 16, "slices": 2})


def keep(folder: Path, name: str, tensors: dict[str, np.ndarray], rows: list[dict[str, float]]) -> None:
    if leads():
        np.savez(folder / f"{name}.npz", **tensors)
        (folder / f"{name}.json").write_text(json.dumps(rows))


def main(folder: Path) -> None:
    ranks = Ranks.join("cpu")
    for kind in plugins.kinds("methods"):
        keep(folder, kind, *run(kind=kind, settings=HALVES, ranks=ranks))
    method = made("gdas", HALVES)
    if not leads():  # told to stop alone
        method = StopAt(method, 3, signal.SIGTERM)
    try:
        run(method=method, settings=HALVES, state=folder / "state", ranks=ranks)
    except loop.Interrupted as error:
        (folder / f"stopped{os.environ['RANK']}").write_text(str(error))
    keep(folder, "resumed", *run(kind="gdas", settings=HALVES, state=folder / "state", ranks=ranks))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
