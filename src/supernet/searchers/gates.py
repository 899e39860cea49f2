"""The search of GDAS (Dong and Yang 2019) in Landmark Regularization: what the learnt gates draw most often.

The gates have searched during training; the super-net's scores only order what they found.
"""

import math
from collections import Counter

import numpy as np

from supernet.errors import UserError
from supernet.searchers import Problem, Search, Trajectory
from supernet.settings import Count


def make(*, draws: Count = 1000, keep: Count = 10) -> Search:
    """At most ``keep`` evaluations: the most frequent of ``draws`` architectures, position ``i`` from softmax(gates i).

    Of equally frequent ones the more probable is first, then the lexicographically smaller. Raises ``UserError`` if the
    super-net's training learnt no gates.
    """

    def search(problem: Problem, rng: np.random.Generator) -> Trajectory:
        if problem.gates is None:
            raise UserError("searchers: gates needs a method that learns gates, as gdas; this super-net has none")
        gates = np.asarray(problem.gates, dtype=np.float64)
        rows = [row[: len(choice.options)] for row, choice in zip(gates, problem.space.choices, strict=True)]
        logs = [row - np.logaddexp.reduce(row) for row in rows]
        drawn = np.stack([rng.choice(len(log), size=draws, p=np.exp(log)) for log in logs], 1)
        counts = Counter(map(tuple, drawn.tolist()))
        probability = {arch: math.fsum(log[option] for log, option in zip(logs, arch, strict=True)) for arch in counts}
        kept = sorted(counts, key=lambda arch: (-counts[arch], -probability[arch], arch))[:keep]
        return list(zip(kept, map(float, problem.score(kept)), strict=True))

    return search
