"""The loop: determinism, resume, segments, schedule; on a net and images small enough for seconds."""

import os
import signal
import threading

import numpy as np
import pytest
import torch

from supernet import arch as archs
from supernet import methods, plugins, regularisers, spaces, states
from supernet import train as loop
from supernet.checkpoints import arrays
from supernet.data import Images
from supernet.errors import UserError
from supernet.seeding import stream
from supernet.settings import Train
from supernet.step import Method, Step, Trainer, Weighted

SPACE = spaces.load("nasbench201")
SETTINGS = Train(epochs=4, warmup=2, batch=8, lr=0.1, weight_decay=5e-4, checkpoint_every=1)
LANDMARKS = ((3,) * 6, (1,) * 6, (2,) * 6)


def images(seed, n=32, size=8, where="cpu"):
    rng = np.random.default_rng(seed)
    pixels, labels = rng.integers(0, 256, (n, size, size, 3), np.uint8), rng.integers(0, 3, n)
    mean = torch.full((3,), 0.5)
    kind = {"mean": mean, "std": mean, "classes": 3, "flip": True, "device": where}
    return Images(torch.from_numpy(pixels), torch.from_numpy(labels), **kind)


def made(kind, settings=SETTINGS, regularised=True):
    """A method, with landmark regularisation or without."""
    pool = ((3, 2, 1, 4, 3, 2), (2, 2, 2, 3, 3, 3))
    truth = np.array([0.9, 0.5, 0.7])
    setup = methods.Setup(SPACE, settings.epochs, settings.warmup, 0, LANDMARKS, truth, pool)
    method = methods.make(kind, setup, {})
    if not regularised:
        return method
    return regularisers.Regularised(method, regularisers.make("landmark", setup, {}), settings.warmup)


def run(kind="spos", regularised=True, settings=SETTINGS, method=None, **where):
    net = SPACE.build(width=4, cells=1, classes=3)
    method = method or made(kind, settings, regularised)
    where = {"epochs": (0, 4), "label": None, **where}
    return loop.train(net, method, images(0), images(1), settings, seeds=[0], **where)


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


def test_same_arguments_same_bits_and_a_log_row_an_epoch():
    (first, rows), (again, rows_again) = run(), run()
    assert same(first, again) and rows == rows_again
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert "ranking_loss" not in rows[1] and {"ranking_loss", "violated", "weight"} <= rows[3].keys()
    assert {name.split("/")[0] for name in first} == {"1", "2", "3", "4", "momentum"}


def test_segments_end_in_the_bits_of_one_run():
    whole, rows = run()
    first, rows_1 = run(epochs=(0, 2))
    second, rows_2 = run(epochs=(2, 4), previous=first)
    assert all(np.array_equal(whole[k], v) for k, v in second.items())
    assert rows == rows_1 + rows_2


def test_the_warm_up_of_landmark_is_spos():
    assert same(run(epochs=(0, 2))[0], run(epochs=(0, 2), regularised=False)[0])


class StopAt(Method):
    """A method that sends this process a signal at one step."""

    def __init__(self, method, number, signal_number):
        self.method, self.number, self.signal = method, number, signal_number
        self.count = 0

    def losses(self, net, step):
        self.count += 1
        if self.count == self.number:
            os.kill(os.getpid(), self.signal)
        yield from self.method.losses(net, step)

    def own_step(self, net, step):
        self.method.own_step(net, step)

    def look(self, net):
        self.method.look(net)

    def state(self):
        return self.method.state()

    def restore(self, values):
        self.method.restore(values)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", plugins.kinds("methods"))
def test_stopped_at_any_step_and_resumed_it_ends_in_the_same_bits(tmp_path, kind, signal_number):
    assert threading.current_thread() is threading.main_thread()
    whole, rows = run(kind=kind)
    stops = 0
    for number in (3, 4, 1, 6):  # steps after each start: inside an epoch, at its end, at once
        with pytest.raises(loop.Interrupted, match="run again to go on"):
            run(state=tmp_path, method=StopAt(made(kind), number, signal_number))
        stops += 1
    resumed, rows_resumed = run(state=tmp_path, kind=kind)
    assert stops == 4 and same(whole, resumed) and rows == rows_resumed


def test_first_step_is_sgd_by_hand():
    """One step of one path equals w - lr * (clipped gradient + decay * w), untouched weights stay."""
    settings = Train(epochs=1, batch=32, lr=0.1, weight_decay=0.01, clip=1.0)
    net = SPACE.build(width=4, cells=1, classes=3)
    before = arrays(net)
    tensors, _ = run(epochs=(0, 1), regularised=False, settings=settings)
    rng = stream(0, "augment", 0)
    order = images(0).epoch(32, stream(0, "batches", 0))[0]
    x, y = images(0).batch(order, rng)
    path = archs.sample(SPACE.choices, stream(0, "paths", 0))
    torch.nn.functional.cross_entropy(net(x, path), y).backward()
    norm = torch.sqrt(sum(p.grad.square().sum() for p in net.parameters() if p.grad is not None))
    scale = min(1.0, 1.0 / (norm.item() + 1e-6))
    for name, p in net.named_parameters():
        expected = before[name]
        if p.grad is not None:
            expected = expected - 0.1 * (scale * p.grad.numpy() + 0.01 * expected)
        assert np.allclose(tensors[f"1/{name}"], expected, atol=1e-6), name


def test_divergence_is_reported_not_saved():
    with pytest.raises(UserError, match="diverged"):
        run(settings=SETTINGS.model_copy(update={"lr": 1e12}))


def test_too_large_a_batch_names_its_key_and_the_split():
    with pytest.raises(UserError, match=r"train\.batch: 64 .* split weights"):
        run(settings=SETTINGS.model_copy(update={"batch": 64}))
    net = SPACE.build(width=4, cells=1, classes=3)
    with pytest.raises(UserError, match=r"train\.batch: 8 .* split guide"):
        Trainer(net, made("spos", regularised=False), images(0), images(1, 7), SETTINGS, [0])


def test_weighted_losses_are_the_last_of_their_step():
    class Wrong(Method):
        def losses(self, net, step):
            loss = torch.nn.functional.cross_entropy(net(step.x, (3,) * 6), step.y)
            yield Weighted([loss], torch.ones(1))
            yield torch.nn.functional.cross_entropy(net(step.x, (2,) * 6), step.y)

    net = SPACE.build(width=4, cells=1, classes=3)
    with pytest.raises(RuntimeError, match="last of a step"):
        Trainer(net, Wrong(), images(0), None, SETTINGS, [0]).step(0, lambda name, value: None)


def test_the_whole_state_is_saved_at_the_signal(tmp_path):
    with pytest.raises(loop.Interrupted):
        run(state=tmp_path, method=StopAt(made("spos"), 6, signal.SIGTERM))
    assert states.load(tmp_path)[1]["step"] == 6


def updated(active, deferred, settings=SETTINGS):
    """Weights and momentum after two steps of which the first has a weighted loss of its own path."""

    class Twice(Method):
        def losses(self, net, step):
            yield torch.nn.functional.cross_entropy(net(step.x, (1, 2, 0, 0, 0, 3)), step.y)
            if step.epoch == 0:
                loss = torch.nn.functional.cross_entropy(net(step.x, (3, 2, 0, 0, 2, 0)), step.y)
                yield Weighted([loss], torch.tensor([float(active)]))

    net = SPACE.build(width=4, cells=1, classes=3)
    trainer = Trainer(net, Twice(), images(0), None, settings, [0], deferred)
    for number in range(2):
        trainer.step(number, lambda name, value: None)
    return {**arrays(net), **trainer.state()}


@pytest.mark.parametrize("active", [True, False])
def test_deciding_on_the_device_is_the_same_update(active):
    now, later = updated(active, deferred=False), updated(active, deferred=True)
    assert all(np.allclose(now[name], later[name], rtol=1e-6, atol=1e-8) for name in now)
    fresh = arrays(SPACE.build(width=4, cells=1, classes=3))
    only_weighted = [name for name in fresh if ".ops.0_3." in name or ".ops.4_2." in name]
    assert only_weighted
    for result in (now, later):
        for name in only_weighted:
            assert np.array_equal(result[name], fresh[name]) != active
            assert result["momentum/" + name].any() == active


def test_unused_operations_decay_only_if_asked():
    """D07: an operation used in the first step alone is moved by the second one, or is not."""

    class Once(Method):
        def losses(self, net, step):
            path = (3, 2, 0, 0, 2, 0) if step.epoch == 0 else (1, 2, 0, 0, 0, 3)
            yield torch.nn.functional.cross_entropy(net(step.x, path), step.y)

    for decays in (False, True):
        settings = SETTINGS.model_copy(update={"decay_unused": decays})
        net = SPACE.build(width=4, cells=1, classes=3)
        trainer = Trainer(net, Once(), images(0), None, settings, [0])
        trainer.step(0, lambda name, value: None)
        weight = net.body[0].ops["0_3"][0].weight
        before, momentum = weight.detach().clone(), trainer.optimiser.state[weight]["momentum_buffer"].clone()
        trainer.step(1, lambda name, value: None)
        if decays:
            assert torch.allclose(weight, before - 0.1 * (0.9 * momentum + 5e-4 * before), atol=1e-7)
        else:
            assert torch.equal(weight, before)


def test_weight_decay_of_vectors_only_if_asked():
    """Without it a bias is what the loss alone makes of it."""

    class Still(Method):
        def losses(self, net, step):
            yield 0 * net(step.x, (3, 3, 3, 3, 3, 3)).sum()

    for decays in (True, False):
        settings = SETTINGS.model_copy(update={"decay_vectors": decays})
        net = SPACE.build(width=4, cells=1, classes=3, affine=True)
        before = {name: p.detach().clone() for name, p in net.named_parameters()}
        Trainer(net, Still(), images(0), None, settings, [0]).step(0, lambda name, value: None)
        moved = {name for name, p in net.named_parameters() if not torch.equal(p, before[name])}
        assert "head.linear.weight" in moved and ("head.linear.bias" in moved) == decays


def test_resumed_with_decay_of_unused_operations_it_ends_in_the_same_bits(tmp_path):
    settings = SETTINGS.model_copy(update={"decay_unused": True})
    with pytest.raises(loop.Interrupted):
        stopping = StopAt(made("spos", settings), 6, signal.SIGTERM)
        run(state=tmp_path, settings=settings, method=stopping)
    resumed, whole = run(state=tmp_path, settings=settings)[0], run(settings=settings)[0]
    assert same(resumed, whole) and not same(whole, run()[0])


def test_bfloat16_trains_other_bits_in_float32_files():
    half, whole = (run(settings=SETTINGS.model_copy(update={"precision": p}))[0] for p in ("bf16", "fp32"))
    assert half.keys() == whole.keys() and not same(half, whole)
    assert all(np.isfinite(value).all() and value.dtype == whole[name].dtype for name, value in half.items())


def test_several_paths_a_step_average_over_those_that_use_a_weight():
    """Three paths by hand: an operation of two of them has the mean of two gradients, the stem of three."""
    net, step_images = SPACE.build(width=4, cells=1, classes=3), images(0)
    method = methods.make("spos", methods.Setup(SPACE, 4, 0, 0), {"paths": 3})
    rng = stream(0, "paths", 0)
    drawn = [method.draw(rng) for _ in range(3)]
    x, y = step_images.plain(np.arange(16))
    expected, used = {}, {}
    for path in drawn:
        net.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x, path), y).backward()
        for name, p in net.named_parameters():
            if p.grad is not None:
                expected[name] = expected.get(name, 0) + p.grad
                used[name] = used.get(name, 0) + 1
    net.zero_grad(set_to_none=True)
    notes = []
    step = Step(x, y, 0.0, None, lambda name: stream(0, name, 0), lambda name, value: notes.append(name))
    for loss in method.losses(net, step):
        loss.backward()
    assert set(used.values()) > {3} and notes == ["loss"] * 3
    for name, p in net.named_parameters():
        if name in expected:
            assert torch.allclose(p.grad, expected[name] / used[name], atol=1e-6), name


def test_classes_of_isomorphic_architectures_are_drawn_by_their_representative():
    for reduction, count in (("nasbench201", 6466), ("functional", 4930)):
        method = methods.make("spos", methods.Setup(SPACE, 4, 0, 0), {"classes": reduction})
        assert len(method.classes) == count
        drawn = [method.draw(stream(0, "draw", i)) for i in range(50)]
        assert all(SPACE.canonical(arch, reduction) == arch for arch in drawn) and len(set(drawn)) > 45


def test_the_weights_before_training_are_kept_if_asked(tmp_path):
    settings = SETTINGS.model_copy(update={"checkpoint_initial": True})
    kept = run(settings=settings)[0]
    assert same({k: v for k, v in kept.items() if not k.startswith("0/")}, run()[0])
    fresh = SPACE.build(width=4, cells=1, classes=3)
    assert {k for k in kept if k.startswith("0/")} == {f"0/{name}" for name in fresh.state_dict()}
    with pytest.raises(loop.Interrupted):
        run(state=tmp_path, settings=settings, method=StopAt(made("spos", settings), 6, signal.SIGTERM))
    assert same(run(state=tmp_path, settings=settings)[0], kept)
