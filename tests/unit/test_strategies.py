"""Ways of drawing paths beyond the uniform one, by hand: pruned pools, a population, gradient norms, watched paths."""

import numpy as np
import torch
from test_train import SPACE, images, run
from torch.nn import functional as F

from supernet import methods
from supernet.seeding import stream
from supernet.settings import Train
from supernet.step import Step

POOL = ((3,) * 6, (1,) * 6, (2,) * 6, (3, 2, 1, 4, 3, 2))
Y = torch.arange(8) % 3


def step(epoch, number=0, notes=None):
    x, guide = (torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(number + i)) for i in range(2))
    note = (lambda name, value: None) if notes is None else notes.__setitem__
    return Step(x, Y, epoch, lambda: (guide, Y), lambda name: stream(0, name, number), note)


def test_a_pool_keeps_its_best_part() -> None:
    setup = methods.Setup(SPACE, 10, 2, 0, pool=POOL, pool_scores=np.array([0.1, 0.4, 0.3, 0.2]))
    assert methods.make("pool", setup, {"keep": 0.5}).pool == (POOL[1], POOL[2])
    assert methods.make("pool", setup, {"keep": 0.3}).pool == (POOL[1], POOL[2])  # rounded up
    assert methods.make("pool", setup, {}).pool == POOL


def test_a_population_ages_and_trains_its_newest_member() -> None:
    net = SPACE.build(width=4, cells=1, classes=3)
    method = methods.make("evolved", methods.Setup(SPACE, 10, 2, 0), {"population": 5, "tournament": 5})
    method.own_step(net, step(1.9))
    assert method.state() == {}
    method.own_step(net, step(2.0))
    first, scores = list(method.population), list(method.scores)
    x, y = step(2.0).guide()
    assert np.allclose(scores, [-F.cross_entropy(net(x, arch), y).item() for arch in first])
    best = first[int(np.argmax(scores))]
    loss = next(iter(method.losses(net, step(2.0))))
    assert torch.equal(loss, F.cross_entropy(net(step(2.0).x, first[-1]), Y))
    method.own_step(net, step(2.1, 1))
    assert method.population[:4] == first[1:]
    assert sum(a != b for a, b in zip(method.population[-1], best, strict=True)) == 1


def test_gradient_norms_decide_who_is_drawn_the_more_the_later_it_is() -> None:
    net = SPACE.build(width=4, cells=1, classes=3)
    method = methods.make("pada", methods.Setup(SPACE, 10, 0, 0), {"floor": 0.2})
    (loss,) = method.losses(net, step(0.0, 7))
    loss.backward()
    method.look(net)
    norms = np.zeros(5)
    for position, option in enumerate(method.path):
        squares = [p.grad.square().sum() for n, p in net.named_parameters() if f".ops.{position}_{option}." in n
                   and p.grad is not None]  # fmt: skip
        norms[option] += float(torch.tensor(squares).sum()) ** 0.5
    counts = np.bincount(method.path, minlength=5)
    assert norms[3] > 0 and np.allclose(method.norms, norms, rtol=1e-5) and np.array_equal(method.counts, counts)
    list(method.losses(net, step(5.0, 1)))
    means = norms / np.maximum(counts, 1)
    assert np.allclose(method.chances, 0.2 / 5 + 0.8 * (0.5 * means / means.sum() + 0.5 / 5), rtol=1e-5)
    assert not method.counts.any()


def test_a_watched_run_is_spos_and_says_what_an_epoch_forgot() -> None:
    settings = Train(epochs=3, batch=16, lr=0.3, weight_decay=0.0, checkpoint_every=1)  # two steps an epoch
    plain, _ = run(epochs=(0, 3), regularised=False, settings=settings)
    watched, rows = run("watched", epochs=(0, 3), regularised=False, settings=settings)
    assert all(np.array_equal(value, watched[name]) for name, value in plain.items())
    assert ["forgetting_value" in row for row in rows] == [False, True, True]
    setup, notes = methods.Setup(SPACE, 3, 0, 0), {}
    method, net = methods.make("watched", setup, {}), SPACE.build(width=4, cells=1, classes=3)
    x, y = images(1).batch(images(1).epoch(16, stream(0, "guide", 0))[0], stream(0, "guide-augment", 0))

    def accuracy(path):
        with torch.no_grad():
            return (net(x, path).argmax(1) == y).float().mean().item()

    def at(number):
        named = stream(0, "paths", number)
        return Step(x, y, number / 2, lambda: (x, y), lambda name: named, notes.__setitem__)

    after, paths = [], []
    for number in range(2):
        method.own_step(net, at(number))
        list(method.losses(net, at(number)))
        paths.append(method.paths[-1])
        with torch.no_grad():  # as if the step had moved the weights
            for p in net.parameters():
                p.add_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(number)))
        after.append(accuracy(paths[-1]))
    method.own_step(net, at(2))
    kept = np.array([accuracy(path) for path in paths]) - after
    assert kept.any() and np.isclose(notes["forgetting_value"], kept.mean())
    assert np.isclose(notes["forgotten"], (kept < 0).mean())
