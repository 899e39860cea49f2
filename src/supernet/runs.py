"""What a run of a method and a study consist of: segments, landmarks, seeds and searches."""

from typing import Any

from supernet import paths
from supernet.config import Config
from supernet.sections import OWN, Method, Task


def segments(method: Method, name: str) -> list[tuple[str, int]]:
    """The ``(owner, iteration)`` pairs whose files make up a whole run of ``method``, the warm-up first."""
    warm_up = [(method.start or name, i) for i in range(method.start_at + 1)] if method.train.warmup else []
    return [*warm_up, *((name, i) for i in range(1, method.iterations + 1))]


def before(method: Method, name: str, iteration: int) -> tuple[str, int]:
    """The owner and iteration that ``iteration`` of a run goes on from."""
    if iteration == 1 and method.start is not None:
        return method.start, method.start_at
    return name, iteration - 1


def scored(method: Method, name: str, archs: str) -> list[tuple[str, int]]:
    """The segments whose super-nets score ``archs``: all of them the evaluation set, the last one alone the space."""
    every = segments(method, name)
    return every if archs == paths.EVALUATION else every[-1:]


def seeds_of(config: Config, study: str) -> list[int]:
    """The seeds that a study measures."""
    return list(config.studies[study].seeds or config.seeds)


def searcher_of(method: Method, name: str) -> str:
    """The entry that a study's ``name`` of a search means for ``method``."""
    return method.searcher if name == OWN and method.searcher is not None else name


def order_truth(task: Task, method: Method) -> str:
    """The column of a truth file that orders a method's landmarks."""
    return method.order_truth or task.order_truth


def landmark_files(
    method: Method, name: str, template: str, where: dict[str, Any], seed: int, iteration: int
) -> list[str]:
    """Files of the landmarks that ``iteration`` of a method trains with: the first ones and all additions before it."""
    sets = [] if method.landmarks is None else [paths.LANDMARKS.format(landmarks=method.landmarks, seed=seed)]
    if method.additions is not None:
        sets += [paths.ADDITIONS.format(method=name, seed=seed, iteration=i) for i in range(1, iteration)]
    return [template.format(**where, set=s) for s in sets]
