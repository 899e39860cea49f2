"""One battery for every predictor: the folder decides what is tested."""

import functools
import random

import numpy as np
import pytest
import torch

from supernet import arch as archs
from supernet import metrics, plugins, spaces
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")


@pytest.fixture(params=plugins.kinds("predictors"))
def kind(request):
    return request.param


def drawn(count, name):
    return list(dict.fromkeys(archs.sample(SPACE.choices, stream(0, name, i)) for i in range(count)))


KNOWN, OTHERS = drawn(120, "known"), drawn(100, "others")


def accuracy(arch):
    """Additive over the choices, with an effect of every option at every position."""
    return 0.5 + sum((0.0, 0.01, 0.03, 0.05, 0.02)[option] * (i + 1) for i, option in enumerate(arch)) / 10


def fit(kind, count, seed=0):
    known = KNOWN[:count]
    return plugins.load("predictors", kind).fit(SPACE, known, [accuracy(a) for a in known], stream(seed, "fit"))


known_fit = functools.cache(fit)


def test_the_order_of_unseen_architectures_is_recovered(kind):
    unseen = [a for a in OTHERS if a not in KNOWN]
    predicted = known_fit(kind, 120)(unseen)
    assert metrics.kendall_tau([accuracy(a) for a in unseen], predicted) > 0.75


def test_thirty_points_are_better_than_chance(kind):
    assert metrics.kendall_tau([accuracy(a) for a in OTHERS], known_fit(kind, 30)(OTHERS)) > 0.4


def test_predictions_are_one_column_in_the_unit_of_the_truth(kind):
    predict = known_fit(kind, 120)
    predicted = predict(OTHERS)
    assert predicted.shape == (len(OTHERS),) and predicted.dtype == np.float64
    assert predicted.mean() == pytest.approx(np.mean([accuracy(a) for a in OTHERS]), abs=0.02)
    assert predict(OTHERS[:1]) == pytest.approx(predicted[:1])


def test_the_stream_alone_decides_the_model(kind):
    """Nothing global: the generators of torch, numpy and Python neither matter nor move."""
    first = known_fit(kind, 30)(OTHERS)
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(1)
    moved = torch.rand(1), np.random.rand(), random.random()
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(1)
    assert fit(kind, 30)(OTHERS).tobytes() == first.tobytes()
    assert moved == (torch.rand(1), np.random.rand(), random.random())
