"""Search for the best architecture by the super-net's scores on held-out training images (D09)."""

from pathlib import Path

import numpy as np
import pandas as pd

from supernet import checkpoints, records, searchers, spaces
from supernet.errors import UserError
from supernet.job import Job
from supernet.seeding import stream
from supernet.stages.landmarks import known
from supernet.stages.score import estimate_of, split_of


def run(job: Job, state: Path) -> None:
    """One row an evaluation: ``step``, ``arch``, ``score``, and ``best`` so far."""
    chosen = job.settings
    space = spaces.load(chosen["space"])
    weights = records.read_tensors(job.inputs["weights"])
    last = checkpoints.epochs(weights)[-1]
    images, training = (split_of(chosen, job.inputs["data"], name) for name in ("guide", "weights"))
    estimate = estimate_of(chosen, weights, last, images(), training)
    name = chosen["searcher"]["score"]

    def score(archs: list) -> np.ndarray:
        scores = estimate(archs)
        if name not in scores:
            raise UserError(f"params.yaml: searchers: score {name!r} is not among {', '.join(scores)}")
        return scores[name]

    search = searchers.make(chosen["searcher"]["kind"], chosen["searcher"]["args"])
    landmarks, truth = known(job, space)
    problem = searchers.Problem(
        space,
        searchers.remembered(score),
        gates=checkpoints.under(weights, checkpoints.METHOD).get("gates"),
        landmarks=landmarks,
        truth=truth,
    )
    trajectory = search(problem, stream(chosen["seed"], "search"))
    scores = np.array([value for _, value in trajectory])
    table = pd.DataFrame(
        {
            "step": np.arange(1, len(trajectory) + 1),
            "arch": [space.format(arch) for arch, _ in trajectory],
            "score": scores,
            "best": np.maximum.accumulate(scores),
        }
    )
    records.write_table(job.outputs["search"], table, job.stamp())
