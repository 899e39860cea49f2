"""CLOSENet's blocks and gate, and the curriculum that opens them."""

import numpy as np
import pytest
import torch
from test_strategies import step
from test_train import SETTINGS, SPACE, images, same

from supernet import arch as archs
from supernet import methods
from supernet import train as loop
from supernet.checkpoints import arrays
from supernet.errors import UserError
from supernet.nets import closenet
from supernet.seeding import stream

SHAPE = {"width": 4, "cells": 1, "classes": 3, "sharing": "global_blocks", "blocks": 3}
ARCHS = [archs.sample(SPACE.choices, stream(0, "close", i)) for i in range(12)]
X = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def opened(count: int, inherit: str = "none"):
    net = SPACE.build(**SHAPE)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # a gate that has opinions
        for p in net.gate.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=generator))
    for _ in range(count - 1):
        closenet.open_next(net, inherit)
    return net


def test_one_block_is_one_set_of_weights_for_all_edges() -> None:
    net = opened(1)
    cell = next(block for block in net.body if hasattr(block, "ops"))
    assert set(cell.ops) == {f"{block}_{option}" for block in range(3) for option in (2, 3)}
    ones = torch.ones(6, 1)
    for arch in ARCHS:
        assert torch.equal(net(X, arch), net(X, arch, gates=ones))


def test_hard_gates_are_the_path_that_the_gate_chooses_and_so_is_the_extracted_net() -> None:
    net = opened(3)
    chosen = set()
    for arch in ARCHS:
        blocks = net.gate.choose(arch)
        chosen |= set(blocks)
        hard = torch.nn.functional.one_hot(torch.tensor(blocks), 3).float()
        assert net.gate(arch).argmax(1).tolist() == blocks
        assert torch.allclose(net(X, arch), net(X, arch, gates=hard), atol=1e-6)
        assert torch.equal(net(X, arch), net.extract(arch)(X))
    assert len(chosen) > 1


def test_a_dead_edge_says_nothing_to_the_gate() -> None:
    """Nothing passes along a zero, so that the logits of the other edges do not depend on what it is called."""
    gate = opened(3).gate
    with torch.no_grad():
        before = gate((3, 3, 3, 3, 3, 0))
        gate.operations.weight[0] += 1.0
        assert torch.equal(gate((3, 3, 3, 3, 3, 0)), before)
        gate.operations.weight[3] += 1.0
        assert not torch.equal(gate((3, 3, 3, 3, 3, 0)), before)


@pytest.mark.parametrize("inherit", ["copy", "add", "none"])
def test_a_new_block_takes_over_weights_and_its_row_of_the_gate(inherit: str) -> None:
    net = opened(1)
    before = arrays(net)
    closenet.open_next(net, inherit)
    after = arrays(net)
    assert int(net.gate.open) == 2
    for name, value in after.items():
        _, searched, rest = name.partition(".ops.")
        block = rest.partition("_")[0]
        if name.startswith("gate.head.6"):
            new, old, last = value[1], before[name][0], before[name][1]
            assert np.array_equal(value[[0, 2]], before[name][[0, 2]])
        elif searched and block == "1":
            new, old, last = value, before[name.replace(".ops.1_", ".ops.0_")], before[name]
        else:
            assert name == "gate.open" or np.array_equal(value, before[name]), name
            continue
        how = "add" if inherit == "copy" and name.startswith("gate") else inherit
        assert np.array_equal(new, {"copy": old, "add": old + last, "none": last}[how]), name


def test_a_fresh_gate_tells_no_edge_from_another() -> None:
    """Why scores by its highest logit use one block for all (D33)."""
    for seed in range(3):
        net = SPACE.build(**{**SHAPE, "seed": seed, "blocks": 4})
        for _ in range(3):
            closenet.open_next(net, "copy")
        drawn = [archs.sample(SPACE.choices, stream(0, "gate", i)) for i in range(50)]
        assert len({block for arch in drawn for block in net.gate.choose(arch)}) == 1


def test_a_new_block_is_not_tied_to_the_one_before() -> None:
    net = opened(2, "copy")
    logits = torch.cat([net.gate(arch) for arch in ARCHS])
    assert (logits[:, 0] - logits[:, 1]).abs().min() > 1e-4


def test_the_gate_chooses_alike_at_every_precision() -> None:
    net = opened(3)
    with torch.autocast("cpu", torch.bfloat16):
        low = [net.gate.choose(arch) for arch in ARCHS]
        assert net.gate(ARCHS[0]).dtype == torch.float32
        net(X, ARCHS[0], gates=torch.ones(6, 3)).sum().backward()
    assert low == [net.gate.choose(arch) for arch in ARCHS]


def train(epochs=(0, 4), settings=SETTINGS, **where):
    net = SPACE.build(**SHAPE)
    method = methods.make("close", methods.Setup(SPACE, 4, 2, 0), {"opens": [0.25, 0.5]})
    run = {"seeds": [0], "epochs": epochs, "label": None, **where}
    return loop.train(net, method, images(0), images(1), settings, **run)


def test_blocks_open_on_schedule_and_gate_and_blocks_learn() -> None:
    kept, rows = train(settings=SETTINGS.model_copy(update={"weight_decay": 0.0}))
    assert [row["blocks"] for row in rows] == [1, 2, 3, 3]
    assert [int(kept[f"{epoch}/gate.open"][0]) for epoch in (1, 2, 3, 4)] == [1, 2, 3, 3]
    moved = {name for name in arrays(SPACE.build(**SHAPE)) if not np.array_equal(kept[f"3/{name}"], kept[f"4/{name}"])}
    assert {name for name, _ in SPACE.build(**SHAPE).named_parameters()} <= moved


def test_a_gate_that_has_nothing_to_choose_from_stays_as_it_is() -> None:
    """Weight decay would shrink it before it has learnt anything (D07)."""
    assert SETTINGS.weight_decay > 0
    kept, rows = train()
    fresh = {name: value for name, value in arrays(SPACE.build(**SHAPE)).items() if name.startswith("gate")}
    assert all(np.array_equal(kept[f"1/{name}"], value) for name, value in fresh.items())
    assert [row.get("blocks_chosen", 0) >= 1 for row in rows] == [False, True, True, True]


def test_its_noise_comes_from_a_stream_of_the_step() -> None:
    net, drawn = opened(3), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        method = methods.make("close", methods.Setup(SPACE, 4, 2, 0), {"opens": [0.25, 0.5]})
        drawn.append(next(iter(method.losses(net, step(3.0, 5)))).item())
    assert drawn[0] == drawn[1]


def test_in_two_halves_it_ends_in_the_same_bits() -> None:
    whole, rows = train()
    first, rows_1 = train((0, 2))
    second, rows_2 = train((2, 4), previous=first)
    assert same({k: whole[k] for k in second}, second) and rows == rows_1 + rows_2


def test_what_does_not_go_together_is_one_line() -> None:
    with pytest.raises(UserError, match="at least 2"):
        SPACE.build(**{**SHAPE, "blocks": 1})
    with pytest.raises(UserError, match="no architecture to choose weights by"):
        opened(2)(X, gates=torch.ones(6, 5))
