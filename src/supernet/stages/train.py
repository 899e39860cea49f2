"""One segment of a super-net's training."""

from pathlib import Path

import numpy as np

from supernet import checkpoints, device, methods, records, regularisers, spaces
from supernet.data import Images
from supernet.job import Job
from supernet.nets import lazy
from supernet.ranks import Ranks, leads
from supernet.seeding import stream
from supernet.settings import Train
from supernet.stages.landmarks import known
from supernet.train import train


def run(job: Job, state: Path) -> None:
    """Train from the previous segment's weights and momentum, with the landmarks known so far."""
    chosen = job.settings
    where = device.prepare(chosen["threads"], chosen["device"])
    ranks = Ranks.join(where)
    space = spaces.load(chosen["space"])
    weights = Images.load(job.inputs["data"], "weights", where)
    guide = Images.load(job.inputs["data"], "guide", where) if chosen.get("guide", True) else None
    settings = Train.model_validate(chosen["train"])
    landmarks, truth = known(job, space)
    met = records.read_table(job.inputs["pool"]) if "pool" in job.inputs else {"arch": [], "score": []}
    pool = dict(zip(met["arch"], met["score"], strict=True))  # an architecture met again has the same score
    setup = methods.Setup(
        space=space,
        epochs=settings.epochs,
        warmup=settings.warmup,
        seed=chosen["seed"],
        landmarks=landmarks,
        truth=truth,
        pool=tuple(space.parse(text) for text in pool),
        pool_scores=np.array([*pool.values()]),
    )
    method = methods.make(chosen["method"]["kind"], setup, chosen["method"]["args"])
    if "regulariser" in chosen:
        added = regularisers.make(chosen["regulariser"]["kind"], setup, chosen["regulariser"]["args"])
        method = regularisers.Regularised(method, added, settings.warmup)
    shape = {"width": chosen["width"], "cells": chosen["cells"], "classes": weights.classes}
    seed = int(stream(chosen["seed"], "initial weights").integers(2**31))
    net = space.build(**shape, **chosen["net"], seed=seed)
    previous = records.read_tensors(job.inputs["previous"]) if "previous" in job.inputs else None
    copies = None
    if "split" in chosen:
        shared = space.build(**shape, **{**chosen["net"], "sharing": chosen["split"], "edge": None})
        if "copies" in chosen:
            net, copies = shared, lazy.attach(shared, net)
            previous = lazy.begun(previous, copies, chosen["epochs"][0])
        else:
            previous = checkpoints.split(previous, net.sharing.parents(shared.sharing, [len(o) for o in net.options]))
    kept, rows = train(
        net.to(where, memory_format=device.layout(where)),
        method,
        weights,
        guide,
        settings,
        seeds=[chosen["seed"]],
        epochs=tuple(chosen["epochs"]),
        previous=previous,
        state=state,
        label=job.outputs["weights"].removesuffix("/weights.safetensors"),
        ranks=ranks,
    )
    if not leads():
        return
    records.write_lines(job.outputs["log"], rows)
    records.write_tensors(job.outputs["weights"], kept if copies is None else lazy.exported(kept, copies), job.stamp())
