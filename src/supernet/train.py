"""The training loop: steps, log, checkpoints and saved state.

A step depends on weights, momentum and its number alone (`supernet.step`), so these are the state of a run. Killed at
any step and resumed, it ends in the same bits.
"""

import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from torch import Tensor, nn
from tqdm import tqdm

from supernet import states
from supernet.checkpoints import arrays, under
from supernet.data import Images
from supernet.errors import UserError
from supernet.ranks import Ranks
from supernet.settings import Train
from supernet.step import Method, Trainer, learning_rate

SAVE_EVERY = 30.0  # seconds between two saved states; cannot change a number


@dataclass
class Progress:
    """Where a run stands: finished steps, sums of the current epoch's notes, finished rows, kept checkpoints."""

    step: int
    sums: dict[str, tuple[float | Tensor, int]] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    checkpoints: dict[str, np.ndarray] = field(default_factory=dict)

    def note(self, name: str, value: float | Tensor) -> None:
        """Add one value to the current epoch's mean of ``name``; one on an accelerator stays there."""
        if isinstance(value, Tensor):
            value = value.item() if value.device.type == "cpu" else value.detach().double()
        total, count = self.sums.get(name, (0.0, 0))
        self.sums[name] = (total + value, count + 1)


class Interrupted(Exception):
    """The run was asked to stop (Ctrl-C, SIGTERM) and has saved its state."""


def train(
    net: nn.Module,
    method: Method,
    weights: Images,
    guide: Images | None,
    settings: Train,
    *,
    seeds: Sequence[int],
    epochs: tuple[int, int],
    previous: dict[str, np.ndarray] | None = None,
    state: Path | None = None,
    label: str | None = "training",
    ranks: Ranks | None = None,
) -> tuple[dict[str, np.ndarray], list[dict[str, float]]]:
    """Train ``net`` in place from epoch ``epochs[0]`` up to ``epochs[1]`` and return its checkpoints and log.

    The checkpoints map ``{epoch}/{name}`` to the weights after every ``checkpoint_every`` epochs and at the end, with
    ``checkpoint_initial`` also at the beginning of a run, and ``momentum/{name}`` and ``method/{name}`` to the
    optimiser's buffers and the method's state at the end, from which ``previous`` continues. ``seeds``: one, or one for
    each copy in ``net`` (`supernet.step.Trainer`). ``state`` is a folder for resumable state (none is kept without it);
    ``label`` names the progress bar (none is shown without it).
    ``ranks``: the processes that share every step; they return the same.
    Raises ``Interrupted`` after saving on Ctrl-C or SIGTERM, ``UserError`` if the loss is no longer finite.
    """
    ranks = ranks or Ranks()
    trainer = Trainer(net, method, weights, guide, settings, seeds, ranks=ranks)
    first, last = (epoch * trainer.steps for epoch in epochs)
    if previous is not None:
        trainer.restore(previous, f"{epochs[0]}/")
    with ranks.leader_first():  # it sets a damaged state aside
        progress = _load(trainer, state) or Progress(first, checkpoints=_initial(trainer, first))
    last_saved = time.monotonic()
    bar = _bar(label if not ranks.index else None, last - first, progress.step - first)
    with _stop_signals() as asked, bar:
        while progress.step < last:
            trainer.step(progress.step, progress.note)
            progress.step += 1
            bar.update()
            if progress.step % trainer.steps == 0:
                _end_epoch(trainer, progress, epochs[1])
            stopped = ranks.any(asked())
            if state is not None and not ranks.index and (stopped or time.monotonic() - last_saved > SAVE_EVERY):
                _save(trainer, progress, state)
                last_saved = time.monotonic()
            if stopped:
                who = label or "training"
                raise Interrupted(f"{who} stopped at step {progress.step} of {last}; run again to go on")
    return {**progress.checkpoints, **trainer.state()}, progress.rows


def _initial(trainer: Trainer, first: int) -> dict[str, np.ndarray]:
    if first or not (trainer.settings.checkpoint_initial or trainer.settings.epochs == 0):
        return {}
    return {f"0/{name}": value for name, value in arrays(trainer.net).items()}


def _end_epoch(trainer: Trainer, progress: Progress, last: int) -> None:
    done, settings = progress.step // trainer.steps, trainer.settings
    means = {name: float(total) / count for name, (total, count) in progress.sums.items()}
    if not all(map(math.isfinite, means.values())):
        raise UserError(f"training diverged in epoch {done} ({means}); lower train.lr or the method's weight")
    progress.rows.append({"epoch": done, "lr": learning_rate(settings, done - 1), **means})
    progress.sums = {}
    if done == last or (settings.checkpoint_every and done % settings.checkpoint_every == 0):
        progress.checkpoints |= {f"{done}/{name}": value for name, value in arrays(trainer.net).items()}


def _save(trainer: Trainer, progress: Progress, state: Path) -> None:
    tensors = {f"now/{k}": v for k, v in arrays(trainer.net).items()} | trainer.state()
    tensors |= {f"kept/{k}": v for k, v in progress.checkpoints.items()}
    sums = {name: (float(total), count) for name, (total, count) in progress.sums.items()}
    states.save(state, tensors, {"step": progress.step, "sums": sums, "rows": progress.rows})


def _load(trainer: Trainer, state: Path | None) -> Progress | None:
    found = None if state is None else states.load(state)
    if found is None:
        return None
    tensors, where = found
    trainer.restore(tensors, "now/")
    sums = {name: tuple(value) for name, value in where["sums"].items()}
    return Progress(where["step"], sums, where["rows"], under(tensors, "kept/"))


def _bar(label: str | None, total: int, done: int) -> tqdm:
    return tqdm(
        total=total, initial=done, desc=label, unit="step", mininterval=5, dynamic_ncols=True, disable=label is None
    )


class _stop_signals:
    """Turn Ctrl-C and SIGTERM into a question asked between two steps, so that the state is saved whole."""

    def __enter__(self) -> Callable[[], bool]:
        self.asked = False
        self.before: dict[int, Any] = {}

        def handler(number: int, frame: FrameType | None) -> None:
            self.asked = True

        for number in (signal.SIGINT, signal.SIGTERM):
            self.before[number] = signal.signal(number, handler)
        return lambda: self.asked

    def __exit__(self, *error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
