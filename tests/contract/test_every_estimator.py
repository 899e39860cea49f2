"""One battery for every estimator: the folder decides what is tested."""

import numpy as np
import pytest
import torch

from supernet import arch as archs
from supernet import estimators, plugins, spaces
from supernet.data import Images
from supernet.errors import UserError
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")
ARGS = {"oneshot": {"batch": 8, "batches": 3}}
FOUND = [archs.sample(SPACE.choices, stream(0, "contract", i)) for i in range(10)]


@pytest.fixture(params=plugins.kinds("estimators"))
def kind(request):
    return request.param


@pytest.fixture
def subject():
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (24, 8, 8, 3), np.uint8), rng.integers(0, 3, 24)
    half = torch.full((3,), 0.5)
    images = Images(torch.from_numpy(pixels), torch.from_numpy(labels), mean=half, std=half, classes=3, flip=True)
    return estimators.Subject(SPACE.build(width=4, cells=1, classes=3), images)


def test_scores_are_finite_named_columns_in_the_order_asked(kind, subject):
    estimate = estimators.make(kind, subject, ARGS.get(kind, {}))
    scores = estimate(FOUND)
    assert scores
    for values in scores.values():
        assert values.shape == (len(FOUND),) and np.isfinite(values).all()
    for name, values in estimate(FOUND[::-1]).items():
        assert np.array_equal(values[::-1], scores[name])


def test_scoring_changes_no_weight_and_needs_no_global_randomness(kind, subject):
    before = {k: v.clone() for k, v in subject.net.state_dict().items()}
    torch.manual_seed(1)
    first = estimators.make(kind, subject, ARGS.get(kind, {}))(FOUND)
    torch.manual_seed(2)
    again = estimators.make(kind, subject, ARGS.get(kind, {}))(FOUND)
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert all(torch.equal(v, before[k]) for k, v in subject.net.state_dict().items())


def test_one_shot_by_hand(subject):
    """Accuracy is the fraction of right answers, loss the negated mean cross-entropy, batch by batch."""
    scores = estimators.make("oneshot", subject, {"batch": 8, "batches": 3})(FOUND[:2])
    for i, arch in enumerate(FOUND[:2]):
        right, loss = 0, 0.0
        for start in (0, 8, 16):
            x, y = subject.images.plain(np.arange(start, start + 8))
            probabilities = subject.net(x, arch).softmax(1)
            right += int((probabilities.argmax(1) == y).sum())
            loss -= probabilities[range(8), y].log().mean().item() / 3
        assert scores["accuracy"][i] == right / 24
        assert scores["loss"][i] == pytest.approx(-loss, rel=1e-5)


def test_a_better_fitted_path_scores_higher(subject):
    """Training one path on the scoring images raises both of its scores: higher is better."""
    estimate = estimators.make("oneshot", subject, {"batch": 8, "batches": 3})
    before = estimate([(3,) * 6])
    optimiser = torch.optim.SGD(subject.net.parameters(), lr=0.05)
    for _ in range(30):
        for start in (0, 8, 16):
            x, y = subject.images.plain(np.arange(start, start + 8))
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(subject.net(x, (3,) * 6), y).backward()
            optimiser.step()
    after = estimate([(3,) * 6])
    assert all(after[name] > before[name] for name in ("accuracy", "loss"))


def test_too_few_images_is_a_one_line_error(subject):
    with pytest.raises(UserError, match="batch \\* batches is 32, more than the 24 images"):
        estimators.make("oneshot", subject, {"batch": 8, "batches": 4})
