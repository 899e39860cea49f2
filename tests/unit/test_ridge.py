import numpy as np

from supernet import arch as archs
from supernet import spaces
from supernet.predictors import ridge
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")


def drawn(count: int, name: str) -> list[archs.Arch]:
    return [archs.sample(SPACE.choices, stream(0, name, i)) for i in range(count)]


def accuracy(arch: archs.Arch) -> float:
    """Additive over the choices, so a linear model can know it exactly."""
    return 0.5 + sum((0.0, 0.01, 0.03, 0.05, 0.02)[option] * (i + 1) for i, option in enumerate(arch)) / 10


def test_an_additive_truth_is_recovered_on_unseen_architectures():
    known, others = drawn(120, "known"), drawn(40, "others")
    predicted = ridge.fit(SPACE, known, [accuracy(a) for a in known], stream(0, "fit"))(others)
    assert predicted.shape == (40,)
    np.testing.assert_allclose(predicted, [accuracy(a) for a in others], atol=2e-4)


def test_the_prediction_of_a_constant_truth_is_that_constant():
    known = drawn(10, "known")
    predict = ridge.fit(SPACE, known, [0.7] * 10, stream(0, "fit"))
    np.testing.assert_allclose(predict(drawn(5, "others")), 0.7)


def test_nothing_is_random():
    known, others = drawn(30, "known"), drawn(9, "others")
    first, second = (ridge.fit(SPACE, known, [accuracy(a) for a in known], stream(i, "fit"))(others) for i in range(2))
    assert first.tobytes() == second.tobytes()
