"""A study small enough to run whole: the demo with two seeds and next to no training, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from supernet import params

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))
import stages  # noqa: E402, F401 - the three for the tests beside this file
import track  # noqa: E402, F401
import tracked  # noqa: E402, F401

TINY = {
    "seeds": [0, 1],
    "data": {"digits": {"args": {"images": 700, "test": 200}, "split": {"weights": 320, "guide": 200, "score": 100}}},
    "tasks": {
        "nasbench201-digits": {
            "width": 4,
            "evaluation": 4,
            "truth": {"seeds": [0], "train": {"epochs": 2, "batch": 40}},
        }
    },
    "landmarks": {"distant10": {"count": 3}},
    "methods": {
        "spos": {"train": {"epochs": 3, "warmup": 1, "batch": 40, "checkpoint_every": 1}},
        "landmark-t3": {"iterations": 2, "additions": 1},
        "nao": {"iterations": 2},
        "nao-landmark-t3": {"additions": 1},
    },
    "estimators": {
        "oneshot": {"args": {"batch": 30, "batches": 2}},
        "oneshot-search": {"args": {"batch": 30, "batches": 1}},
    },
    "searchers": {
        "evolution": {"args": {"population": 4, "generations": 2, "parents": 2}},
        "gates": {"args": {"draws": 20, "keep": 3}},
        "nao": {"args": {"budget": 9, "initial": 5, "batch": 4, "seeds": 2, "epochs": 1}},
    },
    "metrics": {"bootstrap": 20},
    "studies": {"demo": {"methods": ["spos", "landmark-t3"], "contrasts": [["landmark-t3", "spos"]]}},
}
METHODS = ("spos", "landmark", "landmark-t3", "gdas", "nao", "nao-landmark-t3")  # the others have too few epochs here


class Project:
    """A folder with its own params.yaml and results, in which the real Snakefile runs."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write(params.merge(TINY, changes))

    def write(self, changes: dict[str, Any]) -> None:
        raw = params.read(ROOT / "params.yaml")
        methods = {name: raw["methods"][name] for name in METHODS}
        studies = {"demo": raw["studies"]["demo"]}
        raw = {**raw, "methods": methods, "factorials": {}, "studies": studies, "scales": {"demo": changes}}
        (self.folder / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake as a shell would: in a process group that Ctrl-C reaches as a whole."""
        return subprocess.Popen(
            [BIN / "snakemake", "--snakefile", ROOT / "Snakefile", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def snakemake(self, *arguments: str, status: int = 0) -> str:
        """Run Snakemake to its end; its whole output."""
        process = self.start(*arguments)
        output, _ = process.communicate()
        assert process.returncode == status, output
        return output

    def interrupt(self, process: subprocess.Popen[str]) -> str:
        """Ctrl-C."""
        os.killpg(process.pid, signal.SIGINT)
        return process.communicate(timeout=60)[0]

    def supernet(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [BIN / "supernet", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )

    def planned(self, *arguments: str) -> set[str]:
        """The messages of the jobs that a dry-run lists."""
        output = self.snakemake("--dry-run", *arguments)
        return {line.split(": ", 1)[1] for line in output.splitlines() if line.startswith("Job ") and ": " in line}

    def copy(self, folder: Path) -> "Project":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project.at(folder)

    @staticmethod
    def at(folder: Path) -> "Project":
        """A folder that is a project already, or will be."""
        other = object.__new__(Project)
        other.folder = folder
        return other
