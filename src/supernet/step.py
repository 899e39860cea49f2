"""One training step: batches, backward, clipping and the optimiser's update; what is minimised is a method's.

Every random decision of step ``t`` comes from ``stream(seed, name, t)``: a step is a function of weights, momentum and
its number.
"""

import functools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from supernet import checkpoints, device
from supernet.checkpoints import METHOD, MOMENTUM
from supernet.data import Images
from supernet.errors import UserError
from supernet.ranks import Ranks
from supernet.seeding import stream
from supernet.settings import Train

Note = Callable[[str, float | Tensor], None]


@dataclass
class Step:
    """What a method may use in one training step.

    * ``x: (N, 3, H, W)``, ``y: (N,)``: the batch of the ``weights`` split.
    * ``epoch``: continuous, in epochs since the run began.
    * ``guide()``: this step's batch ``(x, y)`` of the ``guide`` split, drawn when first asked for.
    * ``rng(name)``: this step's generator of a named stream.
    * ``note(name, value)``: a number, or a scalar tensor, whose mean over the epoch goes into the log.
    """

    x: Tensor
    y: Tensor
    epoch: float
    guide: Callable[[], tuple[Tensor, Tensor]]
    rng: Callable[[str], np.random.Generator]
    note: Note


class Weighted(NamedTuple):
    """Losses, scalars, that add up with constant ``weights: (len(losses),)``.

    A loss of weight 0 is as if it were not there: what only it uses is left untouched, on every device (D07), and an
    accelerator is not waited for. It is the last loss of its step.
    """

    losses: Sequence[Tensor]
    weights: Tensor


class Method:
    """A way of training a super-net: `losses` is all it must say."""

    def losses(self, net: nn.Module, step: Step) -> Iterator[Tensor | Weighted]:
        """Scalars; each is back-propagated as soon as it is yielded, the gradients add up to one optimiser step.

        What follows the last ``yield`` so sees the gradients of all of them, before any of a regulariser.
        """
        raise NotImplementedError

    def look(self, net: nn.Module) -> None:
        """See the gradients of the whole step: of all slices of all processes, before they are clipped."""

    def own_step(self, net: nn.Module, step: Step) -> None:
        """Learn what is no weight of ``net``, before the weights' step; it leaves no gradient on them."""

    def state(self) -> dict[str, np.ndarray]:
        """What `own_step` has learnt, for `restore`; ``gates: (choices, options)`` are logits that a search may use."""
        return {}

    def restore(self, values: dict[str, np.ndarray]) -> None:
        """The inverse of `state`."""


def learning_rate(settings: Train, epoch: int) -> float:
    """Cosine from ``lr`` to ``lr_min`` over all epochs, constant inside one; between restarts a cosine each (D34)."""
    first = max((e for e in settings.restarts if e <= epoch), default=0)
    last = min((e for e in settings.restarts if e > epoch), default=settings.epochs)
    angle = math.pi * (epoch - first) / (last - first)
    return settings.lr_min + (settings.lr - settings.lr_min) * 0.5 * (1 + math.cos(angle))


class Trainer:
    """A net, its method and its optimiser.

    * ``seeds``: of the run. Several train as many copies in one net (`nets.stacked`), each on its own batches and with
      its own clipping: ``x`` is ``(N, copies * 3, H, W)`` then, ``y: (N, copies)``, and a loss the mean over the
      copies. That is the same as one after another only if the losses are plain means over images: no hinge.
    * ``deferred``: which `Weighted` losses count is decided on the device, without waiting for it. The update is the
      same, up to the order of sums in the gradients' norm. By default on all devices but the CPU, and where several
      processes share a step, which so touch the same weights.
    * ``ranks``: the processes that share every step.
    """

    def __init__(
        self,
        net: nn.Module,
        method: Method,
        weights: Images,
        guide: Images | None,
        settings: Train,
        seeds: Sequence[int],
        deferred: bool | None = None,
        ranks: Ranks | None = None,
    ):
        self.steps = len(weights) // settings.batch  # an epoch: full batches only
        if not self.steps:
            raise UserError(
                f"train.batch: {settings.batch} is more than the {len(weights)} images of the split weights"
            )
        if guide is not None and len(guide) < settings.batch:
            raise UserError(f"train.batch: {settings.batch} is more than the {len(guide)} images of the split guide")
        self.net, self.method, self.weights, self.guide = net, method, weights, guide
        self.settings, self.seeds = settings, tuple(seeds)
        self.ranks = ranks or Ranks()
        self.own_slices = self.ranks.share(settings.slices)
        apart = weights.labels.device.type != "cpu" or self.ranks.count > 1
        self.deferred = apart if deferred is None else deferred
        decayed, spared = [], []
        for p in net.parameters():
            (decayed if settings.decay_vectors or p.dim() > 1 else spared).append(p)
        self.optimiser = torch.optim.SGD(
            [{"params": decayed}, {"params": spared, "weight_decay": 0.0}] if spared else decayed,
            lr=settings.lr,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            foreach=True,
        )
        for p in net.parameters():  # zeros now are what torch would make at a parameter's first step
            self.optimiser.state[p]["momentum_buffer"] = torch.zeros_like(p)
        self._orders: dict[str, tuple[int, list[list[np.ndarray]]]] = {}

    def step(self, number: int, note: Note) -> None:
        """Train step ``number``, counted from the beginning of the run."""
        epoch, begun = divmod(number, self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.settings, epoch)
        if not begun and epoch in self.settings.restarts:
            for p in self.net.parameters():
                self.optimiser.state[p]["momentum_buffer"].zero_()
        self.net.train()
        x, y = self._batch(self.weights, "batches", "augment", number)
        guide = functools.cache(lambda: self._guide(number))
        step = Step(x, y, number / self.steps, guide, lambda name: stream(self.seeds[0], name, number), note)
        notes: dict[str, float | Tensor] = defaultdict(float)
        # None leaves operations off the path untouched: no momentum, no decay (D07).
        self.optimiser.zero_grad(set_to_none=not self.settings.decay_unused)
        with device.autocast(self.settings.precision, x.device.type):
            self.method.own_step(self.net, step)
            reached = [self._backward(self.method.losses(self.net, part)) for part in self._slices(step, notes)]
        self.ranks.add([p.grad for p in self.net.parameters() if p.grad is not None])
        self.method.look(self.net)
        self._tell(notes, note)
        provisional = [(p, p.grad.any()) for parameters in reached for p in parameters]
        self._clip()
        self._update(provisional)

    def _slices(self, step: Step, notes: dict[str, float | Tensor]) -> Iterator[Step]:
        """This process's equal parts of a step, with the same random decisions; ``notes`` are summed up."""
        count, size = self.settings.slices, self.settings.batch // self.settings.slices

        def note(name: str, value: float | Tensor) -> None:
            notes[name] += (value.detach() if isinstance(value, Tensor) else value) / count

        for i in self.own_slices:
            own = slice(i * size, (i + 1) * size)

            def guide(own: slice = own) -> tuple[Tensor, Tensor]:
                x, y = step.guide()
                return x[own], y[own]

            yield replace(step, x=step.x[own], y=step.y[own], guide=guide, note=note)

    def _tell(self, notes: dict[str, float | Tensor], note: Note) -> None:
        """Pass on the sums over all slices of all processes."""
        if self.ranks.count > 1:
            where = self.weights.labels.device
            values = [torch.as_tensor(value, dtype=torch.float64, device=where) for value in notes.values()]
            self.ranks.add(values)
            notes = dict(zip(notes, values, strict=True))
        for name, value in notes.items():
            note(name, value)

    def _guide(self, number: int) -> tuple[Tensor, Tensor]:
        if self.guide is None:
            raise UserError("data: this method needs a split guide; add one to the task's data in params.yaml")
        return self._batch(self.guide, "guide", "guide-augment", number)

    def _batch(self, images: Images, order: str, augmentation: str, number: int) -> tuple[Tensor, Tensor]:
        """The batch of a step, one a copy side by side; ``order`` and ``augmentation`` name random streams."""
        passes, position = divmod(number, len(images) // self.settings.batch)
        if self._orders.get(order, (-1, []))[0] != passes:
            size = self.settings.batch
            self._orders[order] = passes, [images.epoch(size, stream(seed, order, passes)) for seed in self.seeds]
        batches = [
            images.batch(indices[position], stream(seed, augmentation, number))
            for indices, seed in zip(self._orders[order][1], self.seeds, strict=True)
        ]
        if len(batches) == 1:
            return batches[0]
        x, y = torch.cat([x for x, _ in batches], 1), torch.stack([y for _, y in batches], 1)
        return x.contiguous(memory_format=torch.channels_last), y

    @torch.no_grad()
    def _clip(self) -> None:
        """Clip the norm of all gradients of a copy."""
        touched, copies = [p for p in self.net.parameters() if p.grad is not None], len(self.seeds)
        if copies == 1:
            nn.utils.clip_grad_norm_(touched, self.settings.clip)
            return
        gradients = [p.grad.unflatten(0, (copies, -1)) for p in touched]  # views
        norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients]).norm(dim=0)
        scale = (self.settings.clip / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))

    def _backward(self, losses: Iterable[Tensor | Weighted]) -> list[nn.Parameter]:
        """Add up all gradients; return the parameters that only deferred losses have reached.

        A deferred loss of weight 0 has a gradient of zeros, which changes no sum, and gives itself away by it.
        """
        reached, scale, last = [], len(self.seeds) / self.settings.slices, False
        for loss in losses:
            if last:
                raise RuntimeError("weighted losses are the last of a step: what follows could touch the same weights")
            last = isinstance(loss, Weighted)
            if not last:
                (loss * scale).backward()
            elif self.deferred:
                untouched = [p for p in self.net.parameters() if p.grad is None]
                (torch.stack(list(loss.losses)) * loss.weights * scale).sum().backward()
                reached += [p for p in untouched if p.grad is not None]
            elif used := [w * one for w, one in zip(loss.weights.tolist(), loss.losses, strict=True) if w]:
                (sum(used) * scale).backward()
        return reached

    @torch.no_grad()
    def _update(self, provisional: list[tuple[nn.Parameter, Tensor]]) -> None:
        """One optimiser step, taken back where the condition of a provisional parameter does not hold."""
        buffers = [self.optimiser.state[p]["momentum_buffer"] for p, _ in provisional]
        before = [(p.clone(), buffer.clone()) for (p, _), buffer in zip(provisional, buffers, strict=True)]
        self.optimiser.step()
        for (p, active), buffer, (old_p, old_buffer) in zip(provisional, buffers, before, strict=True):
            p.copy_(torch.where(active, p, old_p))
            buffer.copy_(torch.where(active, buffer, old_buffer))

    def state(self) -> dict[str, np.ndarray]:
        """The optimiser's buffers, and what the method has learnt itself, as numpy arrays."""
        buffers = {name: self.optimiser.state[p]["momentum_buffer"] for name, p in self.net.named_parameters()}
        learnt = {METHOD + name: value for name, value in self.method.state().items()}
        return {MOMENTUM + name: value.cpu().numpy().copy() for name, value in buffers.items()} | learnt

    def restore(self, values: dict[str, np.ndarray], prefix: str) -> None:
        """Put back weights named ``prefix...`` and what `state` returned, if anything: else the method starts anew."""
        checkpoints.load_arrays(self.net, checkpoints.under(values, prefix))
        if learnt := checkpoints.under(values, METHOD):
            self.method.restore(learnt)
        for name, p in self.net.named_parameters():
            buffer = self.optimiser.state[p]["momentum_buffer"]
            buffer.copy_(torch.from_numpy(np.array(values[MOMENTUM + name])))
            # What was used before has a gradient, if only zero (D07).
            p.grad = torch.zeros_like(p) if self.settings.decay_unused and buffer.any() else None
