"""What holds of the CPU holds of a GPU: the same bits again, killed and resumed too, and the CPU's numbers but for
rounding. Nets, images and batches are large enough for cuDNN to have a choice of algorithms."""

import signal

import numpy as np
import pytest
import torch
from test_train import SETTINGS, StopAt, images, made, same
from torch.nn import functional as F

from supernet import arch as archs
from supernet import device, estimators, plugins, spaces
from supernet import train as loop
from supernet.checkpoints import arrays
from supernet.seeding import stream
from supernet.standalone import Plain
from supernet.step import Trainer

if not torch.cuda.is_available():
    pytest.skip("no CUDA device here", allow_module_level=True)

SPACE = spaces.load("nasbench201")
BATCH = SETTINGS.model_copy(update={"batch": 32})
FOUND = [archs.sample(SPACE.choices, stream(0, "cuda", i)) for i in range(12)]


@pytest.fixture(autouse=True)
def prepared():
    assert device.prepare(1, "cuda") == "cuda"
    yield
    torch.use_deterministic_algorithms(True, warn_only=True)


def split(seed, where="cuda"):
    return images(seed, n=96, size=32, where=where)


def built(space, where, **net):
    """A super-net as the stages of the pipeline place it."""
    return space.build(width=16, cells=1, classes=3, **net).to(where, memory_format=device.layout(where))


def run(kind, settings=BATCH, method=None, space=SPACE, sharing="one_shot", where="cuda", **more):
    """Weights, momentum and log after four epochs, the last two regularised by landmarks where ``kind`` is of them."""
    net = built(space, where, sharing=sharing)
    method = method or made(kind, settings, regularised=space is SPACE)
    return loop.train(
        net, method, split(0, where), split(1, where), settings, seeds=[0], epochs=(0, 4), label=None, **more
    )


@pytest.mark.parametrize("kind", plugins.kinds("methods"))
def test_every_method_ends_in_the_same_bits_stopped_and_resumed_too(tmp_path, kind):
    whole, rows = run(kind)
    with pytest.raises(loop.Interrupted):
        run(kind, state=tmp_path, method=StopAt(made(kind, BATCH), 8, signal.SIGTERM))
    resumed, rows_resumed = run(kind, state=tmp_path)
    assert same(whole, resumed) and rows == rows_resumed and same(whole, run(kind)[0])


@pytest.mark.parametrize("kind", plugins.kinds("methods"))
def test_no_method_asks_for_what_torch_cannot_repeat(kind):
    torch.use_deterministic_algorithms(True)  # what it has no deterministic algorithm for is an error, not a warning
    run(kind)


@pytest.mark.parametrize("name", plugins.kinds("spaces"))
@pytest.mark.parametrize("sharing", ["one_shot", "conditional"])
def test_every_space_ends_in_the_same_bits(name, sharing):
    def trained():
        space = spaces.load(name)
        net = built(space, "cuda", sharing=sharing)
        path = archs.sample(space.choices, stream(0, "path", 1))

        class Fixed(Plain):
            def losses(self, net, step):
                yield F.cross_entropy(net(step.x, path), step.y)

        trainer = Trainer(net, Fixed(), split(0), None, BATCH, [0])
        for number in range(6):
            trainer.step(number, lambda name, value: None)
        return arrays(net)

    assert same(trained(), trained())


@pytest.mark.parametrize("name", plugins.kinds("spaces"))
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_gradients_are_those_of_the_cpu(name, layout):
    """In float64, where rounding flips no ReLU. Torch's pooling is wrong there with channels last (`nets.ops`)."""
    space = spaces.load(name)
    for path in (archs.sample(space.choices, stream(0, "gradients", i)) for i in range(8)):
        found = []
        for where in ("cpu", "cuda"):
            net = space.build(width=16, cells=1, classes=3).double().to(where, memory_format=layout)
            x, y = split(0, where).plain(np.arange(32))
            F.cross_entropy(net(x.double().contiguous(memory_format=layout), path), y).backward()
            found.append({k: p.grad.cpu().numpy() for k, p in net.named_parameters() if p.grad is not None})
        cpu, cuda = found
        assert cpu.keys() == cuda.keys()
        ours, theirs = (np.concatenate([one[key].ravel() for key in cpu]) for one in found)
        assert np.linalg.norm(ours) > 0 and np.linalg.norm(theirs - ours) < 1e-9 * np.linalg.norm(ours), path


def test_float32_is_not_tf32():
    """The loss in float32 is the one in float64 but for float32's rounding."""
    x, y = split(0).plain(np.arange(96))
    for path in FOUND:
        net = built(SPACE, "cuda")
        single = F.cross_entropy(net(x, path), y).item()
        assert single == pytest.approx(F.cross_entropy(net.double()(x.double(), path), y).item(), rel=1e-5)


@pytest.mark.parametrize("kind", plugins.kinds("estimators"))
def test_every_estimator_says_what_it_says_on_the_cpu(kind):
    args = {"oneshot": {"batch": 32, "batches": 3}, "gradients": {"batch": 32, "batches": 2}}
    args |= {"agreement": {"batch": 32}, "activations": {"batch": 32}}
    said = []
    for where in ("cpu", "cuda", "cuda"):
        net = built(SPACE, where)
        subject = estimators.Subject(net, split(0, where), lambda where=where: split(1, where))
        said.append(estimators.make(kind, subject, args.get(kind, {}))(FOUND))
    cpu, cuda, again = said
    for name, values in cpu.items():
        assert np.array_equal(cuda[name], again[name])
        assert np.allclose(cuda[name], values, rtol=1e-2, atol=1e-2 * np.abs(values).max()), name


def test_the_statistics_measured_anew_are_those_of_the_cpu():
    args = {"batch": 32, "batches": 2, "statistics": "recalibrated", "calibration": 2, "calibrate_on": "training"}
    said = []
    for where in ("cpu", "cuda"):
        net = built(SPACE, where)
        subject = estimators.Subject(net, split(0, where), lambda where=where: split(1, where))
        said.append(estimators.make("oneshot", subject, args)(FOUND)["loss"])
    assert np.allclose(*said, rtol=1e-3)
