"""NAO's controller: an encoder, a predictor on its code, and a decoder from code to architecture (Luo et al. 2018).

Sizes and losses are those of Landmark Regularization's released code for NAS-Bench-201 (the residual bidirectional LSTM
of SemiNAS, Luo et al. 2020), without its two mistakes there: a score belongs to its own architecture, and the decoder
may say every option of every choice. No tenth of the points is held out, and a fit is shorter than the released 1000
epochs, see `Controller.fit`.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from supernet.arch import Arch
from supernet.nets import ops
from supernet.predictors import Predict
from supernet.spaces import SearchSpace

HIDDEN, INNER, DROPOUT = 16, 64, 0.1
LR, WEIGHT_DECAY, CLIP = 1e-3, 1e-4, 5.0
BATCH, REPEATS, BATCHES = 100, 8, 1200
MSE = 0.8  # its part of the loss; the rest is the cross-entropy of the tokens
STEPS = 50  # step sizes 1, 2, ... that are tried along the gradient
HALF = math.sqrt(0.5)  # keeps the variance of a sum of two


def fit(space: SearchSpace, archs: Sequence[Arch], truth: ArrayLike, rng: np.random.Generator) -> Predict:
    """Fit ``truth: (n,)`` of ``archs``; see `supernet.predictors`."""
    controller = Controller(space, rng)
    controller.fit(dict(zip(archs, np.asarray(truth, dtype=np.float64), strict=True)), rng)
    return controller.predict


def scaled(scores: Mapping[Arch, float]) -> dict[Arch, float]:
    """``scores`` with the worst at 0 and the best at 1, every architecture with its own; all 0 if they are equal."""
    low, high = min(scores.values()), max(scores.values())
    return {arch: (score - low) / ((high - low) or 1.0) for arch, score in scores.items()}


class Controller:
    """Encoder, predictor and decoder for one space.

    A token is the name of an operation, 0 starts a sequence; the decoder chooses among the tokens of the choice that
    is next. A second ``fit`` goes on from the weights of the first, with a new optimiser.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator):
        self.space = space
        names = list(dict.fromkeys(name for choice in space.choices for name in choice.options))
        self.tokens = [[1 + names.index(name) for name in choice.options] for choice in space.choices]
        with ops.seeded(int(rng.integers(2**63))):
            self.encode, self.value, self.decoder = Encoder(1 + len(names)), Value(), Decoder(1 + len(names))
        self.net = nn.ModuleList([self.encode, self.value, self.decoder]).eval()
        self.low, self.high = 0.0, 1.0

    def fit(self, scores: Mapping[Arch, float], rng: np.random.Generator, epochs: int | None = None) -> None:
        """Minimise ``MSE`` parts squared error of the `scaled` scores and the rest cross-entropy of the architectures.

        An epoch is every architecture ``REPEATS`` times in batches of ``BATCH``. Without ``epochs`` it is as many as
        make ``BATCHES``, for any number of scores the same few seconds; then most known architectures are decoded
        correctly. The order of ``scores`` does not matter.
        """
        self.low, self.high = min(scores.values()), max(scores.values())
        archs, targets = zip(*sorted(scaled(scores).items()), strict=True)
        tokens, targets = self._tokens(archs), torch.tensor(targets, dtype=torch.float32)
        epochs = epochs or math.ceil(BATCHES / math.ceil(len(archs) * REPEATS / BATCH))
        optimiser = torch.optim.Adam(self.net.parameters(), LR, weight_decay=WEIGHT_DECAY, fused=True)
        self.net.train()
        with ops.seeded(int(rng.integers(2**63))):  # for dropout
            for _ in range(epochs):
                for rows in torch.from_numpy(rng.permutation(len(archs) * REPEATS) % len(archs)).split(BATCH):
                    x = tokens[rows]
                    outputs = self.encode(x)
                    code = pooled(outputs)
                    so_far = F.pad(x[:, :-1], (1, 0))
                    spoken, _ = self.decoder(so_far, outputs, (code[None], code[None]))
                    error = F.mse_loss(self.value(code), targets[rows])
                    loss = MSE * error + (1 - MSE) * F.cross_entropy(spoken.flatten(0, 1), x.flatten())
                    optimiser.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
                    optimiser.step()
        self.net.eval()

    @torch.no_grad()
    def predict(self, archs: Sequence[Arch]) -> np.ndarray:
        """Scores ``(len(archs),)``, between the lowest and the highest of the last fit."""
        value = self.value(pooled(self.encode(self._tokens(archs)))).double().numpy()
        return self.low + (self.high - self.low) * value

    def generate(self, seeds: Sequence[Arch], count: int, known: Collection[Arch]) -> list[Arch]:
        """Up to ``count`` architectures that are not in ``known``, from ``seeds`` moved up the gradient of their value.

        All seeds move by one times the gradient, then, from where they began, by twice it, and so on to ``STEPS``.
        """
        outputs = self.encode(self._tokens(seeds)).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.value(pooled(outputs)).sum(), outputs)
        found: dict[Arch, None] = {}
        for step in range(1, STEPS + 1):
            if len(found) == count:
                break
            for arch in self.decode(F.normalize(outputs.detach() + step * gradient, dim=-1)):
                if len(found) < count and arch not in known and self.space.is_valid(arch):
                    found[arch] = None
        return list(found)

    @torch.no_grad()
    def decode(self, outputs: Tensor) -> Iterator[Arch]:
        """The architectures that the decoder reads, greedily, in encoder ``outputs: (n, choices, HIDDEN)``."""
        code = pooled(outputs)
        state, last = (code[None], code[None]), torch.zeros(len(outputs), 1, dtype=torch.int64)
        chosen = []
        for tokens in map(torch.tensor, self.tokens):
            spoken, state = self.decoder(last, outputs, state)
            chosen.append(spoken[:, 0, tokens].argmax(-1))
            last = tokens[chosen[-1], None]
        return map(tuple, torch.stack(chosen, 1).tolist())

    def _tokens(self, archs: Sequence[Arch]) -> Tensor:
        rows = [[tokens[option] for tokens, option in zip(self.tokens, arch, strict=True)] for arch in archs]
        return torch.tensor(rows, dtype=torch.int64).reshape(len(rows), len(self.tokens))


def pooled(outputs: Tensor) -> Tensor:
    """The code of an architecture, ``(n, HIDDEN)``, from its encoder outputs ``(n, choices, HIDDEN)``; length 1."""
    return F.normalize(outputs.mean(1), dim=-1)


class Encoder(nn.Module):
    """Tokens ``(n, choices)`` to outputs of length 1, ``(n, choices, HIDDEN)``."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.embed = nn.Sequential(nn.Embedding(vocabulary, HIDDEN), nn.Dropout(DROPOUT))
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, batch_first=True, bidirectional=True)
        self.merge = nn.Linear(2 * HIDDEN, HIDDEN)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        return F.normalize((x + self.merge(self.lstm(x)[0])) * HALF, dim=-1)


class Value(nn.Module):
    """Code ``(n, HIDDEN)`` to a scaled score ``(n,)`` between 0 and 1."""

    def __init__(self):
        super().__init__()
        layers = ((nn.Linear(a, b), nn.ReLU(), nn.Dropout(DROPOUT)) for a, b in ((HIDDEN, INNER), (INNER, HIDDEN)))
        self.inner = nn.Sequential(*(part for layer in layers for part in layer))
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, code: Tensor) -> Tensor:
        return torch.sigmoid(self.out((code + self.inner(code)) * HALF)).squeeze(-1)


class Decoder(nn.Module):
    """An LSTM that starts from the code and attends to the encoder's outputs."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, HIDDEN)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, batch_first=True)
        self.attend = nn.Linear(2 * HIDDEN, HIDDEN)
        self.out = nn.Linear(HIDDEN, vocabulary)

    def forward(self, tokens: Tensor, outputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple]:
        """Logits of the next tokens, ``(n, length, vocabulary)``, and the new state; ``tokens: (n, length)``."""
        embedded = self.embed(tokens)
        x, state = self.lstm(embedded, state)
        x = (embedded + x) * HALF
        mix = F.softmax(x @ outputs.mT, -1) @ outputs
        x = (x + torch.tanh(self.attend(torch.cat([mix, x], -1)))) * HALF
        return self.out(x), state
