"""Which weights operations share, and what becomes of them when they are split."""

import numpy as np
import pytest
import torch

from supernet import arch as archs
from supernet import checkpoints, spaces
from supernet.errors import UserError
from supernet.nets import expressions, lazy, sharing
from supernet.seeding import stream

CELL, CHAIN = spaces.load("nasbench201"), spaces.load("macro")
SHAPE = {"width": 4, "cells": 1, "classes": 3}


def sets(net):
    """How many sets of weights the operations of one searched graph have."""
    cell = next(block for block in net.body if hasattr(block, "ops"))
    return len(cell.ops)


def test_numbers_of_sets_are_the_papers():
    """12 -> 76 and 16 -> 44; the three strided identities of the chain, which the paper does not count, beside."""
    assert [sets(CELL.build(**SHAPE, sharing=kind)) for kind in ("one_shot", "conditional")] == [12, 76]
    assert [sets(CHAIN.build(**SHAPE, sharing=kind)) for kind in ("one_shot", "conditional")] == [
        16 + 3,
        44 + 1 + 2 * 3,
    ]


@pytest.mark.parametrize(
    ("name", "before", "after"), [("nasbench201_no_zero", 12, 54), ("nasbench201_convolutions", 12, 22)]
)
def test_numbers_of_sets_of_the_subsets(name, before, after):
    space = spaces.load(name)
    assert [sets(space.build(**SHAPE, sharing=kind)) for kind in ("one_shot", "conditional")] == [before, after]


def test_parameters_of_the_cells_super_net_row_by_row():
    net = CELL.build(width=16, cells=2, classes=10, extra_1x1="skip")
    blocks = [sum(p.numel() for p in block.parameters()) for block in (net.stem, *net.body, net.head)]
    cells, reductions = (16_896, 67_584, 270_336), (14_464, 57_600)
    assert blocks == [464, *[cells[0]] * 2, reductions[0], *[cells[1]] * 2, reductions[1], *[cells[2]] * 2, 778]


def test_parameters_of_the_cells_super_net_are_the_papers_with_one_convolution_more():
    """Laube et al. 2022, network table: 782,938, which only a bias-free 1x1 convolution an edge explains."""
    shape = {"width": 16, "cells": 2, "classes": 10}

    def parameters(**how):
        return sum(p.numel() for p in CELL.build(**shape, **how).parameters())

    assert [parameters(extra_1x1=which) for which in ("none", "skip", "pool")] == [718_426, 782_938, 782_938]
    assert parameters(sharing="conditional") == 4_159_066
    assert parameters(sharing="conditional", extra_1x1="skip") == 4_567_642
    chain = CHAIN.build(width=32, cells=1, classes=10, sharing="conditional")
    assert sum(p.numel() for p in chain.parameters()) == 11_902_410  # strided identities too


def test_the_extra_convolution_is_on_the_path_of_a_skip():
    net = CELL.build(**SHAPE, extra_1x1="skip")
    skips = CELL.parse("|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    (cell,) = [b for b in net.body if hasattr(b, "ops")][:1]
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(cell(x, net.plan(skips), {}), cell.ops["3_1"](x))


def test_the_dependencies_of_the_cell_and_the_chain():
    assert sharing.conditional(CELL.arcs, 6).priors == ((), (), (0,), (), (0,), (1, 2))
    assert sharing.conditional(CHAIN.arcs, 8).priors == ((), *((i,) for i in range(7)))


def test_few_shot_makes_a_super_net_for_each_option_of_one_choice():
    net = CELL.build(**SHAPE, sharing="one_shot", edge=3)
    assert sets(net) == 2 + 5 * 2 * 5
    keys = {net.sharing.key(i, 3, (3, 3, 3, 4, 3, 3)) for i in range(6)} - {net.sharing.key(3, 3, (3, 3, 3, 4, 3, 3))}
    assert all(key.endswith("_4") for key in keys)


@pytest.mark.parametrize("space", [CELL, CHAIN], ids=lambda space: space.name)
@pytest.mark.parametrize(
    "to",
    [{"sharing": "conditional"}, {"sharing": "one_shot", "edge": 1}, {"sharing": "conditional", "edge": 1}],
    ids=["conditional", "few_shot", "both"],
)
def test_right_after_the_split_every_architecture_gives_the_same_bits(space, to):
    """Weights and momentum alike; then a step on one path moves its own sets alone."""
    before, after = space.build(**SHAPE, seed=1), space.build(**SHAPE, **to, seed=2)
    values = {f"5/{name}": value for name, value in checkpoints.arrays(before).items()}
    values |= {f"momentum/{name}": np.full(p.shape, i) for i, (name, p) in enumerate(before.named_parameters())}
    parents = after.sharing.parents(before.sharing, [len(names) for names in after.options])
    split = checkpoints.split(values, parents)
    checkpoints.load_arrays(after, checkpoints.under(split, "5/"))
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    drawn = [archs.sample(space.choices, stream(0, "split", i)) for i in range(20)]
    for arch in drawn:
        assert torch.equal(after(x, arch), before(x, arch))
    momentum = checkpoints.under(split, "momentum/")
    assert momentum.keys() == {name for name, _ in after.named_parameters()}
    kept = dict(before.named_parameters())
    for name, value in momentum.items():
        own, operations, key = name.partition(".ops.")
        key, dot, rest = key.partition(".")
        old = f"{own}{operations}{parents[key]}{dot}{rest}" if operations else name
        assert (value == list(kept).index(old)).all()
    with torch.no_grad():
        for name, p in after.named_parameters():
            if name.split(".ops.")[-1].split(".")[0] in {
                after.sharing.key(i, o, drawn[0]) for i, o in enumerate(drawn[0])
            }:
                p.add_(0.1)
    far = next(a for a in drawn if after.plan(a) and not _common(after, a, drawn[0]))
    assert torch.equal(after(x, far), before(x, far))


def _common(net, a, b):
    return expressions.keys(net.plan(a)) & expressions.keys(net.plan(b))


def test_lazy_copies_take_over_what_is_loaded():
    """D26: a combination first met later begins with what another one has learnt; met again, it has its own value."""
    net, split = CELL.build(**SHAPE, seed=1), CELL.build(**SHAPE, sharing="conditional", seed=2)
    copies = lazy.attach(net, split)
    x, weight = torch.randn(2, 3, 16, 16), net.body[0].ops["2_3"][0].weight
    a, b = ((first, 0, 3, 0, 0, 3) for first in (3, 2))  # edge 2<-1 reads 1<-0
    begin = weight.detach().clone()

    def met(arch, add):
        net(x, arch)
        found = weight.detach().clone()
        with torch.no_grad():
            weight.add_(add)
        return found

    assert torch.equal(met(a, 1.0), begin)
    assert torch.equal(met(b, 1.0), begin + 1)  # not as it was at the split
    assert torch.equal(met(a, 1.0), begin + 1)
    assert torch.equal(met(b, 0.0), begin + 1 + 1)
    values = {f"7/{name}": value for name, value in checkpoints.arrays(net).items()}
    values |= {f"momentum/{name}": np.full(p.shape, i) for i, (name, p) in enumerate(net.named_parameters())}
    found = lazy.exported(values, copies)
    sets = checkpoints.under(found, "7/body.0.ops.")
    assert np.array_equal(sets["2_3_3.0.weight"], begin + 1 + 1) and np.array_equal(
        sets["2_3_2.0.weight"], begin + 1 + 1
    )
    assert np.array_equal(sets["2_3_4.0.weight"], begin + 1 + 1)  # never met: what is loaded
    plain = CELL.build(**SHAPE, sharing="conditional")
    checkpoints.load_arrays(plain, checkpoints.under(found, "7/"))
    for arch in (a, b):
        assert torch.equal(plain(x, arch), net(x, arch))
    assert checkpoints.under(found, "momentum/").keys() == {name for name, _ in plain.named_parameters()}


@pytest.mark.parametrize("space", [CELL, CHAIN], ids=lambda space: space.name)
def test_lazy_copies_exchange_running_statistics_too(space):
    shape = {**SHAPE, "affine": True, "track": True}
    net, split = space.build(**shape), space.build(**shape, sharing="conditional")
    copies, x = lazy.attach(net.train(), split), torch.randn(4, 3, 16, 16)
    drawn = [archs.sample(space.choices, stream(0, "lazy", i)) for i in range(6)]
    for arch in drawn:
        net(x, arch)
    found = lazy.exported({f"7/{name}": value for name, value in checkpoints.arrays(net).items()}, copies)
    plain = space.build(**shape, sharing="conditional")
    checkpoints.load_arrays(plain, checkpoints.under(found, "7/"))
    net.eval(), plain.eval()
    assert torch.equal(net(x, drawn[-1]), plain(x, drawn[-1]))


def test_faults_are_one_line():
    with pytest.raises(UserError, match=r"net\.edge: 6 is none of the space's 6 choices"):
        CELL.build(**SHAPE, sharing="one_shot", edge=6)
    with pytest.raises(UserError, match="sharing 'x': expected one_shot"):
        CELL.build(**SHAPE, sharing="x")
    with pytest.raises(UserError, match="a mixture of all operations has no architecture to choose"):
        CELL.build(**SHAPE, sharing="conditional").plan(None, gated=True)
