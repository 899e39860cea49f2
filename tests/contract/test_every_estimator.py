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
ARGS = {
    "oneshot": {"batch": 8, "batches": 3},
    "agreement": {"batch": 8},
    "gradients": {"batch": 8, "batches": 2},
    "activations": {"batch": 8},
}
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
    other = Images(255 - images._padded[:, 1:-1, 1:-1], images.labels, mean=half, std=half, classes=3, flip=True)
    return estimators.Subject(SPACE.build(width=4, cells=1, classes=3), images, lambda: other)


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


def test_a_class_has_the_score_of_the_one_that_stands_for_it(kind, subject):
    estimate = estimators.make(kind, subject, ARGS.get(kind, {}))
    twin, one = (3, 0, 3, 0, 0, 1), SPACE.canonical((3, 0, 3, 0, 0, 1))  # two 3x3 one after the other, on other edges
    assert twin != one == SPACE.canonical(one)
    found, own = estimators.by_class(estimate, SPACE, "functional")([twin, one]), estimate([one])
    assert all((found[name] == own[name][0]).all() for name in own)


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
    with pytest.raises(UserError, match=r"batch \* \(batches\) is 32, more than the 24 images"):
        estimators.make("oneshot", subject, {"batch": 8, "batches": 4})


@pytest.mark.parametrize("on", ["own", "training"])
def test_recalibrated_by_hand(subject, on):
    """Batch-norm normalises by the mean of the calibration batches' statistics; the super-net stays as it is."""
    args = {"batch": 8, "batches": 1, "statistics": "recalibrated", "calibration": 2, "calibrate_on": on}
    seen, start_of_scored = (subject.images, 16) if on == "own" else (subject.training(), 0)
    scores = estimators.make("oneshot", subject, args)(FOUND[:2])
    for i, arch in enumerate(FOUND[:2]):
        net = SPACE.build(width=4, cells=1, classes=3, track=True)
        net.load_state_dict(subject.net.state_dict(), strict=False)
        means = []
        for start in (0, 8):  # with momentum 1 the running statistics are those of the last batch
            for module in net.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.momentum = 1.0
            net.train()(seen.plain(np.arange(start, start + 8))[0], arch)
            means.append({k: v.clone() for k, v in net.state_dict().items() if "running" in k})
        net.load_state_dict({k: (means[0][k] + means[1][k]) / 2 for k in means[0]}, strict=False)
        x, y = subject.images.plain(np.arange(start_of_scored, start_of_scored + 8))
        loss = torch.nn.functional.cross_entropy(net.eval()(x, arch), y)
        assert scores["loss"][i] == pytest.approx(-loss.item(), abs=1e-5)


def test_too_few_training_images_is_a_one_line_error(subject):
    args = {"batch": 8, "batches": 1, "statistics": "recalibrated", "calibration": 4, "calibrate_on": "training"}
    with pytest.raises(UserError, match=r"batch \* calibration is 32, more than the 24 training images"):
        estimators.make("oneshot", subject, args)


def test_bfloat16_scores_are_close_and_others(subject):
    whole, half = (
        estimators.make("oneshot", subject, {"batch": 8, "batches": 3, "precision": p})(FOUND)["loss"]
        for p in ("fp32", "bf16")
    )
    assert np.allclose(whole, half, atol=0.05) and not np.array_equal(whole, half)


def test_equal_plans_are_scored_once_and_both_get_the_score(subject, monkeypatch):
    one, twin = (0, 3, 1, 0, 0, 1), (0, 3, 2, 0, 2, 1)  # they differ behind a node without signal
    assert subject.net.plan(one) == subject.net.plan(twin)
    asked = []
    each = subject.net.each
    monkeypatch.setattr(subject.net, "each", lambda x, archs, keep: each(x, asked.append(len(archs)) or archs, keep))
    scores = estimators.make("oneshot", subject, {"batch": 8, "batches": 1})([one, FOUND[0], twin])
    assert asked == [2] and scores["loss"][0] == scores["loss"][2] != scores["loss"][1]


def test_soft_paths_by_hand(subject):
    """A soft path mixes all operations, so that equal plans are not equal scores."""
    one, twin = (0, 3, 1, 0, 0, 1), (0, 3, 2, 0, 2, 1)
    scores = estimators.make("oneshot", subject, {"batch": 8, "batches": 1, "softness": 0.1})([one, twin])
    x, y = subject.images.plain(np.arange(8))
    gates = torch.full((6, 5), 0.175)
    gates[range(6), one] = 0.3
    loss = torch.nn.functional.cross_entropy(subject.net(x, gates=gates), y)
    assert scores["loss"][0] == pytest.approx(-loss.item(), abs=1e-6) and scores["loss"][0] != scores["loss"][1]


def test_agreement_by_hand(subject):
    """Two convolutions in a row read each other's choice: the gradients of the second, one by one."""
    arch, others = (3, 0, 0, 0, 2, 0), [(o, 0, 0, 0, 2, 0) for o in (1, 2, 4)]  # 3<-1 reads 1<-0; none kills the path

    def gradient(arch):
        x, y = subject.images.plain(np.arange(8))
        weights = [p for name, p in subject.net.named_parameters() if ".ops.4_2." in name]
        loss = torch.nn.functional.cross_entropy(subject.net(x, arch), y)
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)]).numpy()

    own = gradient(arch)
    cosines = [own @ other / np.linalg.norm(own) / np.linalg.norm(other) for other in map(gradient, others)]
    scores = estimators.make("agreement", subject, {"batch": 8})([arch, (0, 0, 0, 3, 0, 0)])["gradients"]
    assert min(abs(cosines - scores[0])) < 1e-6 and len(set(np.round(cosines, 5))) == 3
    assert scores[1] == 1  # nothing reads a choice there


def test_running_statistics_are_those_of_training(subject):
    args = {"batch": 8, "batches": 3, "statistics": "running"}
    with pytest.raises(UserError, match=r"running needs a super-net that keeps them, net\.track: true"):
        estimators.make("oneshot", subject, args)
    net = SPACE.build(width=4, cells=1, classes=3, track=True)
    net.train()
    for _ in range(3):
        net(2 * subject.images.plain(np.arange(8))[0], FOUND[0])
    tracked = estimators.Subject(net, subject.images, subject.training)
    scores = estimators.make("oneshot", tracked, args)(FOUND[:1])
    x, y = subject.images.plain(np.arange(24))
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(net.eval()(x, FOUND[0]), y).item()
    assert scores["loss"][0] == pytest.approx(-expected, abs=1e-5)
    plain = estimators.make("oneshot", tracked, {"batch": 8, "batches": 3})(FOUND[:1])  # the batch's own again
    untracked = SPACE.build(width=4, cells=1, classes=3)
    untracked.load_state_dict(net.state_dict(), strict=False)
    other = estimators.Subject(untracked, subject.images, subject.training)
    own = estimators.make("oneshot", other, {"batch": 8, "batches": 3})
    assert plain["loss"][0] == own(FOUND[:1])["loss"][0] != scores["loss"][0]
