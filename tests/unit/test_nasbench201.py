"""Facts of NAS-Bench-201 that are known from outside this project."""

import itertools

import pytest
import torch

from supernet import arch as archs
from supernet import spaces
from supernet.errors import UserError
from supernet.nets import sharing

SPACE = spaces.load("nasbench201")
BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
NONE, SKIP, CONV1, CONV3, POOL = range(5)


def test_size_and_native_string():
    assert archs.size(SPACE.choices) == 15_625
    assert SPACE.parse(BEST) == (CONV3, CONV3, CONV3, SKIP, CONV3, CONV1)


@pytest.mark.parametrize(("reduction", "classes"), [("nasbench201", 6466), ("functional", 4930)])
def test_number_of_isomorphism_classes(reduction, classes):
    everything = archs.enumerate_archs(SPACE.choices)
    assert len({SPACE.canonical(a, reduction) for a in everything}) == classes


def test_isomorphic_pair_by_hand():
    """Two convolutions in a row: through node 1 or through node 2."""
    through_1 = (CONV3, NONE, NONE, NONE, CONV1, NONE)
    through_2 = (NONE, CONV3, NONE, NONE, NONE, CONV1)
    for reduction in ("nasbench201", "functional"):
        assert SPACE.canonical(through_1, reduction) != SPACE.canonical(
            (CONV1, NONE, NONE, NONE, CONV3, NONE), reduction
        )
    assert SPACE.canonical(through_1, "functional") == SPACE.canonical(through_2, "functional")


def test_parameters_of_the_best_cell():
    """1.073466 M in the benchmark, counted here by a net as well."""
    arch = SPACE.parse(BEST)
    assert SPACE.parameters(arch, width=16, cells=5, classes=10) == 1_073_466
    net = SPACE.build(width=16, cells=5, classes=10, affine=True).extract(arch)
    assert sum(p.numel() for p in net.parameters()) == 1_073_466


def test_no_signal_is_zero_even_with_affine_batch_norm():
    """Edges behind a dead node contribute nothing (D06): the cell equals the one without them."""
    net = SPACE.build(width=4, cells=1, classes=3, affine=True)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.3)
    x = torch.randn(2, 3, 8, 8)
    dead_node_1 = (NONE, CONV3, CONV3, SKIP, CONV1, POOL)
    without = (NONE, CONV3, NONE, SKIP, NONE, POOL)
    assert torch.equal(net(x, dead_node_1), net(x, without))


def test_a_cell_without_any_path_gives_a_constant_not_an_error():
    net = SPACE.build(width=4, cells=1, classes=3)
    logits = net(torch.randn(3, 3, 8, 8), (NONE,) * 6)
    assert torch.isfinite(logits).all() and torch.allclose(logits[0], logits[1])


def test_node_sharing_uses_the_same_weights_for_edges_into_node_3_from_nodes_1_and_2():
    net = SPACE.build(width=4, cells=1, classes=3, sharing="node_shared")
    cell = net.body[0]
    assert len(cell.ops) == 5 * 2  # five slots, two operations with weights
    assert len(SPACE.build(width=4, cells=1, classes=3).body[0].ops) == 6 * 2
    keys = [net.sharing.key(position, CONV3, (CONV3,) * 6) for position in range(6)]
    assert keys[4] == keys[5] and len(set(keys)) == 5


def test_sharing_by_a_prior_splits_the_weights():
    split = sharing.Sharing(slots=(0, 1), priors=((), (0,)))
    assert set(split.keys(0, 1, [2, 3])) == {"0_1"}
    assert set(split.keys(1, 2, [2, 3])) == {"1_2_0", "1_2_1"}
    for arch in itertools.product(range(2), range(3)):
        assert split.key(1, arch[1], arch) in set(split.keys(1, arch[1], [2, 3]))


def test_unknown_names_are_one_line_errors():
    with pytest.raises(UserError, match="known: macro, nasbench201"):
        spaces.load("nasbench102")
    with pytest.raises(UserError, match="one_shot"):
        SPACE.build(width=4, cells=1, classes=3, sharing="none")
    with pytest.raises(UserError, match="expected 6 option numbers"):
        SPACE.format((0, 0, 5, 0, 0, 9))


def test_shape_errors_name_what_is_missing():
    net = SPACE.build(width=4, cells=1, classes=3)
    with pytest.raises(TypeError, match="architecture or gates"):
        net(torch.zeros(1, 3, 8, 8))


def test_distinct_functions_of_shared_weights():
    """8,228 plans: fewer than 15,625 architectures, more than the 4,930 classes that forget which edge is which."""
    net = SPACE.build(width=4, cells=1, classes=3)
    plans = {arch: net.plan(arch) for arch in archs.enumerate_archs(SPACE.choices)}
    assert len(set(plans.values())) == 8228
    assert sum(plan is None for plan in plans.values()) == 341  # no path from input to output
    classes = {}
    for arch, plan in plans.items():
        classes.setdefault(plan, set()).add(SPACE.canonical(arch))
    assert all(len(members) == 1 for members in classes.values())  # equal plans are isomorphic
