"""One battery for every search space: the folder decides what is tested."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from supernet import arch as archs
from supernet import plugins, spaces
from supernet.errors import UserError
from supernet.nets import expressions
from supernet.seeding import stream

SHAPE = {"width": 4, "cells": 1, "classes": 3}


@pytest.fixture(params=plugins.kinds("spaces"))
def space(request):
    return spaces.load(request.param)


@pytest.fixture
def samples(space):
    rng = stream(0, "contract", space.name)
    return [archs.sample(space.choices, rng) for _ in range(40)]


@pytest.fixture
def images():
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def jitter(net):
    """Give every parameter, batch-norm's scale and shift too, a value that a mistake would show."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=generator))


def test_samples_are_valid_and_their_strings_round_trip(space, samples):
    for arch in samples:
        assert space.is_valid(arch)
        assert space.parse(space.format(arch)) == arch


def test_malformed_strings_are_one_line_errors(space, samples):
    text = space.format(samples[0])
    for broken in ("", text[:-1], text + text, text.replace(text[1:4], "zzz")):
        with pytest.raises(UserError, match="architecture"):
            space.parse(broken)


def test_hamming_is_a_metric_and_mutation_moves_by_one(space, samples):
    rng = stream(0, "mutate")
    for a, b, c in zip(samples, samples[1:], samples[2:], strict=False):
        assert archs.hamming(a, b) == archs.hamming(b, a)
        assert archs.hamming(a, c) <= archs.hamming(a, b) + archs.hamming(b, c)
        mutant = archs.mutate(space.choices, a, rng)
        assert archs.hamming(a, mutant) == 1
        assert mutant in archs.neighbours(space.choices, a)


def test_canonical_is_idempotent_and_in_the_space(space, samples):
    for arch in samples:
        representative = space.canonical(arch)
        assert space.is_valid(representative)
        assert space.canonical(representative) == representative


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("sharing", ["one_shot", "node_shared"])
def test_extracted_net_is_the_same_function_with_the_benchmarks_parameters(space, samples, images, sharing, affine):
    net = space.build(**SHAPE, sharing=sharing, affine=affine)
    jitter(net)
    for arch in samples[:12]:
        alone = net.extract(arch)
        assert torch.equal(net(images, arch), alone(images))
        if affine:
            assert sum(p.numel() for p in alone.parameters()) == space.parameters(arch, **SHAPE)


@pytest.mark.parametrize("keep", [None, 3])
def test_scored_together_is_scored_alone_bit_for_bit(space, samples, images, keep):
    net = space.build(**SHAPE)
    for arch, logits in zip(samples, net.each(images, samples, keep), strict=True):
        assert torch.equal(logits, net(images, arch))


def test_architectures_of_equal_plans_are_the_same_function(space, samples, images):
    net = space.build(**SHAPE)
    rng, by_plan = stream(0, "plans"), {}
    for arch in [*samples, *(archs.mutate(space.choices, a, rng) for a in samples for _ in range(5))]:
        by_plan.setdefault(net.plan(arch), set()).add(arch)
    for group in by_plan.values():  # how many have twins is the space's own affair
        first, *others = (net(images, arch) for arch in sorted(group))
        assert all(torch.equal(first, other) for other in others)


def test_extracting_copies_so_that_training_one_leaves_the_other(space, samples, images):
    net = space.build(**SHAPE)
    alone = net.extract(samples[0])
    before = net(images, samples[0]).clone()
    jitter(alone)
    assert torch.equal(net(images, samples[0]), before)


def test_a_step_changes_nothing_outside_the_path_and_every_weight_is_on_some_path(space, images):
    net = space.build(**SHAPE)
    rng, reached = stream(0, "reach"), set()
    for _ in range(150):
        arch = archs.sample(space.choices, rng)
        net.zero_grad(set_to_none=True)
        net(images, arch).square().sum().backward()
        touched = {name for name, p in net.named_parameters() if p.grad is not None}
        allowed = expressions.keys(net.plan(arch))
        for name in touched:
            if ".ops." in name:
                assert name.split(".ops.")[1].split(".")[0] in allowed
        reached |= touched
    assert reached == {name for name, _ in net.named_parameters()}


def test_gates_of_one_are_the_path_and_the_mixture_is_linear_in_its_gates(space, samples, images):
    net = space.build(**SHAPE, affine=False)
    sizes = [len(c.options) for c in space.choices]
    ones = torch.ones(len(sizes), max(sizes))
    for arch in samples[:5]:
        assert torch.allclose(net(images, arch, ones), net(images, arch), atol=1e-6)
        one_hot = F.one_hot(torch.tensor(arch), max(sizes)).float()
        assert torch.allclose(net(images, gates=one_hot), net(images, arch), atol=1e-4)


def test_gates_receive_a_gradient(space, samples, images):
    net = space.build(**SHAPE)
    arch = next(a for a in samples if net.plan(a))
    gates = torch.ones(len(space.choices), max(len(c.options) for c in space.choices), requires_grad=True)
    net(images, arch, gates).square().sum().backward()
    live = {part[1:3] for part in expressions.parts(net.plan(arch, gated=True)) if part[0] == "gate"}
    nonzero = {tuple(map(int, at)) for at in gates.grad.nonzero()}
    assert nonzero and nonzero <= live


def test_initial_weights_depend_on_the_seed_alone(space):
    torch.manual_seed(7)
    first = space.build(**SHAPE, seed=3)
    torch.manual_seed(8)
    again, other = space.build(**SHAPE, seed=3), space.build(**SHAPE, seed=4)
    for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_batches_are_scored_by_their_own_statistics(space, samples, images):
    """No running statistics: evaluation equals training mode, whatever the net has seen before."""
    net = space.build(**SHAPE)
    arch = next(a for a in samples if net.plan(a))
    trained = net.train()(images, arch)
    net(images * 3 + 1, arch)
    assert torch.equal(net.eval()(images, arch), trained)


def test_one_hot_has_a_one_for_every_choice(space, samples):
    code = archs.one_hot(space.choices, samples)
    assert code.shape == (len(samples), sum(len(c.options) for c in space.choices))
    assert np.array_equal(code.sum(1), np.full(len(samples), len(space.choices)))


def test_arcs_say_which_choice_reads_what_another_puts_out(space):
    """As the super-net computes it, when all its options are on."""

    def sources(e):
        if e == expressions.INPUT:
            return {-1}
        return {e[1]} if e[0] == "gate" else set().union(*(sources(o) for o in e if isinstance(o, tuple)))

    plan = space.build(**SHAPE).plan(None, gated=True)
    gates = [(part[1], part[-1]) for part in expressions.parts(plan) if part[0] == "gate"]
    found = {(i, j) for j, operand in [*gates, (len(space.choices), plan)] for i in sources(operand)}
    assert found == set(space.arcs) and len(found) == len(space.arcs)
