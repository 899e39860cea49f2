"""The learning rate over the epochs of a run, by hand; begun anew, and of no epochs at all."""

import numpy as np
import pytest
from test_train import SETTINGS, SPACE, run, same

from supernet.checkpoints import arrays
from supernet.settings import Train
from supernet.step import learning_rate


def test_learning_rate_by_hand():
    settings = Train(epochs=4, batch=8, lr=0.1, lr_min=0.02, weight_decay=0.0)
    rates = [learning_rate(settings, e) for e in range(4)]
    assert rates[0] == pytest.approx(0.1) and rates[2] == pytest.approx(0.06)
    assert run()[1][2]["lr"] == pytest.approx(learning_rate(SETTINGS, 2))


def test_restarts_begin_the_learning_rate_anew_and_forget_momentum():
    settings = SETTINGS.model_copy(update={"restarts": [1, 3]})
    rates = [learning_rate(settings, e) for e in range(4)]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.1])
    with pytest.raises(ValueError, match=r"restarts: .* expected rising epochs"):
        Train(epochs=4, batch=8, lr=0.1, weight_decay=0.0, restarts=[3, 1])
    first, _ = run(epochs=(0, 1), regularised=False, settings=settings)
    forgotten = {name: np.zeros_like(v) if name.startswith("momentum/") else v for name, v in first.items()}
    after = [run(epochs=(1, 2), regularised=False, settings=settings, previous=p)[0] for p in (first, forgotten)]
    assert same(*after)
    plain = [run(epochs=(1, 2), regularised=False, previous=previous)[0] for previous in (first, forgotten)]
    assert not same(*plain)


def test_no_epochs_leave_the_net_as_it_was_initialised():
    settings = Train(epochs=0, batch=8, lr=0.1, weight_decay=0.0)
    kept, rows = run(epochs=(0, 0), regularised=False, settings=settings)
    fresh = {f"0/{name}": value for name, value in arrays(SPACE.build(width=4, cells=1, classes=3)).items()}
    assert rows == [] and same({k: v for k, v in kept.items() if not k.startswith("momentum/")}, fresh)
