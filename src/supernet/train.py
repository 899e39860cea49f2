"""The training loop: batches, backward, clipping, optimiser, schedule, log and saved state; the rest is a method's.

Every random decision of step ``t`` comes from ``stream(seed, name, t)``, so the state of a run is its weights, its
momentum and its step number. Killed at any step and resumed, it ends in the same bits.
"""

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from supernet import device, records
from supernet.data import Images
from supernet.errors import UserError
from supernet.seeding import stream
from supernet.settings import Train

SAVE_EVERY = 30.0  # seconds between two saved states; cannot change a number
MOMENTUM = "momentum/"


@dataclass
class Step:
    """What a method may use in one training step.

    * ``x: (N, 3, H, W)``, ``y: (N,)``: the batch of the ``weights`` split.
    * ``epoch``: continuous, in epochs since the run began.
    * ``guide()``: this step's batch ``(x, y)`` of the ``guide`` split, drawn when first asked for.
    * ``rng(name)``: this step's generator of a named stream.
    * ``note(name, value)``: a number whose mean over the epoch goes into the log.
    """

    x: Tensor
    y: Tensor
    epoch: float
    guide: Callable[[], tuple[Tensor, Tensor]]
    rng: Callable[[str], np.random.Generator]
    note: Callable[[str, float], None]


class Method(Protocol):
    """A way of training a super-net: `losses` is all it must have."""

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor]:
        """Scalars; each is back-propagated as soon as it is yielded, the gradients add up to one optimiser step."""


@dataclass
class Progress:
    """Where a run stands: finished steps, sums of the current epoch's notes, finished rows, kept checkpoints."""

    step: int
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    checkpoints: dict[str, np.ndarray] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        """Add one value to the current epoch's mean of ``name``."""
        total, count = self.sums.get(name, (0.0, 0))
        self.sums[name] = (total + value, count + 1)


class Interrupted(Exception):
    """The run was asked to stop (Ctrl-C, SIGTERM) and has saved its state."""


def learning_rate(settings: Train, epoch: int) -> float:
    """Cosine from ``lr`` to ``lr_min`` over all epochs, constant inside an epoch."""
    return settings.lr_min + (settings.lr - settings.lr_min) * 0.5 * (1 + math.cos(math.pi * epoch / settings.epochs))


def train(
    net: nn.Module,
    method: Method,
    weights: Images,
    guide: Images | None,
    settings: Train,
    *,
    seed: int,
    epochs: tuple[int, int],
    previous: dict[str, np.ndarray] | None = None,
    state: Path | None = None,
    label: str | None = "training",
) -> tuple[dict[str, np.ndarray], list[dict[str, float]]]:
    """Train ``net`` in place from epoch ``epochs[0]`` up to ``epochs[1]`` and return its checkpoints and log.

    The checkpoints map ``{epoch}/{name}`` to the weights after every ``checkpoint_every`` epochs and at the end, and
    ``momentum/{name}`` to the optimiser's buffers at the end, from which ``previous`` continues. ``state`` is a folder
    for resumable state (none is kept without it); ``label`` names the progress bar (none is shown without it).
    Raises ``Interrupted`` after saving on Ctrl-C or SIGTERM, ``UserError`` if the loss is no longer finite.
    """
    steps = len(weights) // settings.batch  # full batches only
    if not steps:
        raise UserError(f"train.batch: {settings.batch} is more than the {len(weights)} images of the split weights")
    optimiser = _optimiser(net, settings)
    if previous is not None:
        _restore(net, optimiser, previous, f"{epochs[0]}/")
    progress = _load(net, optimiser, state) or Progress(step=epochs[0] * steps)
    if settings.decay_unused:  # what was used before has a gradient, if only zero
        for p in net.parameters():
            p.grad = torch.zeros_like(p) if optimiser.state[p]["momentum_buffer"].any() else None
    last_saved = time.monotonic()
    order: list[np.ndarray] = []
    with _stop_signals() as stopped, _bar(label, epochs, steps, progress) as bar:
        while progress.step < epochs[1] * steps:
            epoch, position = divmod(progress.step, steps)
            if not order or position == 0:
                order = weights.epoch(settings.batch, stream(seed, "batches", epoch))
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(settings, epoch)
            _one_step(net, method, optimiser, weights, guide, order[position], settings, seed, steps, progress)
            progress.step += 1
            bar.update()
            if position + 1 == steps:
                _end_epoch(net, optimiser, settings, epoch + 1, epochs[1], progress)
            if state is not None and (stopped() or time.monotonic() - last_saved > SAVE_EVERY):
                _save(net, optimiser, progress, state)
                last_saved = time.monotonic()
            if stopped():
                raise Interrupted(f"{label} stopped at step {progress.step} of {epochs[1] * steps}; run again to go on")
    return {**progress.checkpoints, **_momentum(net, optimiser)}, progress.rows


def _one_step(
    net: nn.Module,
    method: Method,
    optimiser: torch.optim.Optimizer,
    weights: Images,
    guide: Images | None,
    indices: np.ndarray,
    settings: Train,
    seed: int,
    steps: int,
    progress: Progress,
) -> None:
    number = progress.step
    batch: list[tuple[Tensor, Tensor]] = []

    def guide_batch() -> tuple[Tensor, Tensor]:
        if not batch:
            per_pass = len(guide) // settings.batch
            pass_number, position = divmod(number, per_pass)
            guide_indices = guide.epoch(settings.batch, stream(seed, "guide", pass_number))[position]
            batch.append(guide.batch(guide_indices, stream(seed, "guide-augment", number)))
        return batch[0]

    net.train()
    x, y = weights.batch(indices, stream(seed, "augment", number))
    step = Step(x, y, number / steps, guide_batch, lambda name: stream(seed, name, number), progress.note)
    # None leaves operations off the path untouched: no momentum, no decay (D07).
    optimiser.zero_grad(set_to_none=not settings.decay_unused)
    with device.autocast(settings.precision, x.device.type):
        for loss in method.losses(net, step):
            loss.backward()
    touched = [p for p in net.parameters() if p.grad is not None]
    nn.utils.clip_grad_norm_(touched, settings.clip)
    optimiser.step()


def _optimiser(net: nn.Module, settings: Train) -> torch.optim.SGD:
    optimiser = torch.optim.SGD(
        net.parameters(),
        lr=settings.lr,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
        foreach=True,
    )
    for p in net.parameters():  # zeros now are what torch would make at a parameter's first step
        optimiser.state[p]["momentum_buffer"] = torch.zeros_like(p)
    return optimiser


def _end_epoch(
    net: nn.Module, optimiser: torch.optim.Optimizer, settings: Train, done: int, last: int, progress: Progress
) -> None:
    means = {name: total / count for name, (total, count) in progress.sums.items()}
    if not all(map(math.isfinite, means.values())):
        raise UserError(f"training diverged in epoch {done} ({means}); lower train.lr or the method's weight")
    progress.rows.append({"epoch": done, "lr": optimiser.param_groups[0]["lr"], **means})
    progress.sums = {}
    if done == last or (settings.checkpoint_every and done % settings.checkpoint_every == 0):
        progress.checkpoints |= {f"{done}/{name}": value for name, value in arrays(net).items()}


def arrays(net: nn.Module) -> dict[str, np.ndarray]:
    """A copy of the weights and buffers of ``net`` as numpy arrays."""
    return {name: value.detach().cpu().numpy().copy() for name, value in net.state_dict().items()}


def load_arrays(net: nn.Module, values: dict[str, np.ndarray]) -> None:
    """Put weights and buffers into ``net``; the inverse of `arrays`."""
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in values.items()})


def _momentum(net: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    buffers = {name: optimiser.state[p]["momentum_buffer"] for name, p in net.named_parameters()}
    return {MOMENTUM + name: value.cpu().numpy().copy() for name, value in buffers.items()}


def _restore(net: nn.Module, optimiser: torch.optim.Optimizer, values: dict[str, np.ndarray], prefix: str) -> None:
    load_arrays(net, {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)})
    for name, p in net.named_parameters():
        optimiser.state[p]["momentum_buffer"].copy_(torch.from_numpy(np.array(values[MOMENTUM + name])))


def _save(net: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress, state: Path) -> None:
    tensors = {f"now/{k}": v for k, v in arrays(net).items()} | _momentum(net, optimiser)
    tensors |= {f"kept/{k}": v for k, v in progress.checkpoints.items()}
    where = {"step": progress.step, "sums": progress.sums, "rows": progress.rows}
    records.write_tensors(state / "state.safetensors", tensors, {"progress": json.dumps(where)})


def _load(net: nn.Module, optimiser: torch.optim.Optimizer, state: Path | None) -> Progress | None:
    path = None if state is None else state / "state.safetensors"
    if path is None or not path.exists():
        return None
    where = json.loads(records.provenance(path)["progress"])
    tensors = records.read_tensors(path)
    _restore(net, optimiser, tensors, "now/")
    checkpoints = {k.removeprefix("kept/"): v for k, v in tensors.items() if k.startswith("kept/")}
    return Progress(where["step"], {k: tuple(v) for k, v in where["sums"].items()}, where["rows"], checkpoints)


def _bar(label: str | None, epochs: tuple[int, int], steps: int, progress: Progress) -> tqdm:
    total, done = (epochs[1] - epochs[0]) * steps, progress.step - epochs[0] * steps
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
