"""``dvc.lock`` for the files of a scale that lie here; what is absent keeps the hash that it had.

`dvc commit` wants every file of a stage and of those before it, so that a clone without weights could keep nothing that
it has made. A folder of which only a part lies here, say the warm-up of a method, is absent in this sense. It is named,
for to DVC it looks changed.

    python workflow/scripts/keep.py SCALE
"""

import sys
from pathlib import Path

from dvc.output import Output
from dvc.repo import Repo
from stages import out_of, stages

from supernet import config as configs
from supernet.errors import UserError


def keep(scale: str) -> str:
    """Record the outs of all stages of ``scale``, as they lie here or as ``dvc.lock`` has them; return what to tell.

    Raises ``UserError`` for an out that is in neither.
    """
    members: dict[str, list[Path]] = {}
    for stage in stages(configs.load(scale), scale):
        for path in stage.files:
            members.setdefault(out_of(path), []).append(Path(path))
    repo = Repo()
    with repo.lock:
        kept = [stage for stage in repo.index.stages if stage.addressing.startswith(f"{scale}_")]
        outs: dict[str, Output] = {out.def_path: out for stage in kept for out in stage.outs}
        there = {path: [file.exists() for file in members[path]] for path in outs}
        here = [out for path, out in outs.items() if all(there[path])]
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
    told = [f"dvc.lock: {len(here)} files and folders as they lie here, {len(outs) - len(here)} absent ones as before"]
    for path in (path for path in outs if any(there[path]) and not all(there[path])):
        rest = f"snakemake {outs[path].stage.addressing}"
        told.append(f"{path}: a part of it lies here; move it away, or make the rest by: {rest}")
    return "\n".join(told)


if __name__ == "__main__":
    try:
        print(keep(*sys.argv[1:]))
    except UserError as error:
        sys.exit(f"keep: {error}")
