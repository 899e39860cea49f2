"""``dvc.lock`` for the files of a scale that lie here; what is absent keeps the hash that it had.

`dvc commit` wants every file of a stage and of those before it, so that a clone without weights could keep nothing that
it has made. A folder of which only a part lies here, say the warm-up of a method, is absent in this sense.

    python workflow/scripts/keep.py SCALE
"""

import sys
from pathlib import Path

from dvc.output import Output
from dvc.repo import Repo
from stages import out_of, stages

from supernet import config as configs
from supernet.errors import UserError


def keep(scale: str) -> tuple[int, int]:
    """Record the outs of all stages of ``scale``: how many lie here, and how many are taken from ``dvc.lock``.

    Raises ``UserError`` for an out that is neither.
    """
    members: dict[str, list[Path]] = {}
    for stage in stages(configs.load(scale), scale):
        for path in stage.files:
            members.setdefault(out_of(path), []).append(Path(path))
    repo = Repo()
    with repo.lock:
        kept = [stage for stage in repo.index.stages if stage.addressing.startswith(f"{scale}_")]
        outs: dict[str, Output] = {out.def_path: out for stage in kept for out in stage.outs}
        here = [out for path, out in outs.items() if all(file.exists() for file in members[path])]
        for out in here:
            out.save()
            if out.use_cache:
                out.commit(relink=False)
        for path, out in outs.items():
            if not out.hash_info:
                raise UserError(
                    f"{path}: neither complete nor in dvc.lock; make it by: snakemake {out.stage.addressing}"
                )
        for stage in kept:
            for dep in stage.deps:
                if source := outs.get(dep.def_path):
                    dep.hash_info, dep.meta = source.hash_info, source.meta
                else:  # params.yaml, claims
                    dep.save()
        if kept:
            kept[0].dvcfile.dump_stages(kept, update_pipeline=False)
    return len(here), len(outs) - len(here)


if __name__ == "__main__":
    try:
        here, absent = keep(*sys.argv[1:])
    except UserError as error:
        sys.exit(f"keep: {error}")
    print(f"dvc.lock: {here} files and folders as they lie here, {absent} absent ones as before")
