"""Slices of a batch, and processes that share them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sharing import HALVES
from test_train import SPACE, images, run
from torch.nn import functional as F

from supernet import plugins, ranks
from supernet.checkpoints import arrays
from supernet.errors import UserError
from supernet.seeding import stream
from supernet.settings import Train
from supernet.step import Method, Trainer

TOLERANCE = {"rtol": 1e-4, "atol": 2e-6}  # of weights after 8 steps; orders of sums differ


def test_slices_have_their_own_statistics_and_the_mean_of_their_gradients() -> None:
    class Plain(Method):
        def losses(self, net, step):
            step.note("images", len(step.x))
            step.note("half", float(step.y[0]))
            yield F.cross_entropy(net(step.x, (3,) * 6), step.y)

    settings = Train(epochs=1, batch=32, slices=2, lr=0.1, momentum=0.0, weight_decay=0.0, clip=1e9)
    net, notes = SPACE.build(width=4, cells=1, classes=3), {}
    before = arrays(net)
    Trainer(net, Plain(), images(0), None, settings, [0]).step(0, notes.__setitem__)
    after = arrays(net)
    expected = SPACE.build(width=4, cells=1, classes=3)
    x, y = images(0).batch(images(0).epoch(32, stream(0, "batches", 0))[0], stream(0, "augment", 0))
    for half in (slice(16), slice(16, 32)):
        (F.cross_entropy(expected(x[half], (3,) * 6), y[half]) / 2).backward()
    for name, p in expected.named_parameters():
        moved = 0 if p.grad is None else 0.1 * p.grad.numpy()
        assert np.allclose(after[name], before[name] - moved, atol=1e-6), name
    assert notes == {"images": 16, "half": (float(y[0]) + float(y[16])) / 2}


def test_a_setting_that_nobody_uses_is_in_no_stamp() -> None:
    assert "slices" in HALVES.model_dump()
    assert "slices" not in HALVES.model_copy(update={"slices": 1}).model_dump(mode="json")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes, started by torch's launcher, have trained."""
    folder = tmp_path_factory.mktemp("shared")
    assert ranks.launch(2, [sys.executable, str(Path(__file__).with_name("sharing.py")), str(folder)]) == 0
    return folder


def kept(folder: Path, name: str) -> tuple[dict[str, np.ndarray], list[dict[str, float]]]:
    return dict(np.load(folder / f"{name}.npz")), json.loads((folder / f"{name}.json").read_text())


@pytest.mark.parametrize("kind", plugins.kinds("methods"))
def test_two_processes_train_as_one_that_adds_up_the_same_halves(shared: Path, kind: str) -> None:
    one, rows = run(kind=kind, settings=HALVES)
    two, rows_of_two = kept(shared, kind)
    whole, _ = run(kind=kind, settings=HALVES.model_copy(update={"slices": 1}))
    assert one.keys() == two.keys()
    assert all(np.allclose(one[name], two[name], **TOLERANCE) for name in one)
    assert not all(np.allclose(whole[name], two[name], **TOLERANCE) for name in one)
    assert [row.keys() for row in rows] == [row.keys() for row in rows_of_two]
    for row, other in zip(rows, rows_of_two, strict=True):
        assert list(row.values()) == pytest.approx(list(other.values()), rel=1e-4)


def test_all_processes_stop_at_the_same_step_and_go_on_to_the_same_bits(shared: Path) -> None:
    assert (shared / "stopped0").read_text() == (shared / "stopped1").read_text()
    (whole, rows), (resumed, rows_resumed) = kept(shared, "gdas"), kept(shared, "resumed")
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole) and rows == rows_resumed


def test_slices_must_divide_the_batch_and_share_out_evenly() -> None:
    with pytest.raises(ValueError, match="slices: 3 does not divide the batch of 16 images"):
        Train.model_validate({**HALVES.model_dump(), "slices": 3})
    three = ranks.Ranks()
    three.count = 3
    with pytest.raises(UserError, match=r"train\.slices: 2 cannot be shared out evenly between 3 processes"):
        three.share(2)


def test_sums_and_votes_of_one_process_are_its_own() -> None:
    alone, values = ranks.Ranks.join("cpu"), [torch.ones(2), torch.zeros(())]
    alone.add(values)
    assert alone.count == 1 and values[0].tolist() == [1, 1] and alone.any(True) and not alone.any(False)
