from collections import Counter

import numpy as np
import pytest
import torch

from supernet import arch as archs
from supernet import metrics, spaces
from supernet.predictors import nao
from supernet.seeding import stream

SPACE = spaces.load("nasbench201")
KNOWN = list(dict.fromkeys(archs.sample(SPACE.choices, stream(0, "known", i)) for i in range(100)))
SCORES = {a: sum(o == 3 for o in a) + 0.3 * sum(o == 2 for o in a) - 0.2 * a[5] for a in KNOWN}


def fitted(scores, epochs, seed=0):
    controller = nao.Controller(SPACE, stream(seed, "controller"))
    controller.fit(scores, stream(seed, "fit"), epochs)
    return controller


@pytest.fixture(scope="module")
def controller():
    return fitted(SCORES, 200)


def decoded(controller, some):
    return list(controller.decode(controller.encode(controller._tokens(some)).detach()))


def test_scaling_keeps_every_score_with_its_architecture_by_hand():
    a, b, c = KNOWN[:3]
    expected = {a: 1.0, b: 0.0, c: 0.25}
    assert nao.scaled({a: 0.9, b: 0.5, c: 0.6}) == pytest.approx(expected)
    assert nao.scaled({c: 0.6, a: 0.9, b: 0.5}) == pytest.approx(expected)
    assert nao.scaled({a: 0.9, b: 0.9}) == {a: 0.0, b: 0.0}


def test_a_fit_does_not_depend_on_the_order_of_the_scores_but_on_whose_they_are():
    order = stream(0, "order").permutation(len(KNOWN))
    shuffled = {KNOWN[i]: SCORES[KNOWN[i]] for i in order}
    shifted = dict(zip(KNOWN, [*list(SCORES.values())[1:], SCORES[KNOWN[0]]], strict=True))  # the released mistake
    first, same, other = (fitted(scores, 20).predict(KNOWN) for scores in (SCORES, shuffled, shifted))
    truth = list(SCORES.values())
    assert first.tobytes() == same.tobytes()
    assert metrics.kendall_tau(truth, first) > 0.5 > metrics.kendall_tau(truth, other) + 0.3


def test_the_decoder_reads_most_architectures_in_their_own_encoder_outputs(controller):
    assert np.mean([a == b for a, b in zip(KNOWN, decoded(controller, KNOWN), strict=True)]) > 0.8
    untrained = nao.Controller(SPACE, stream(0, "controller"))
    assert np.mean([a == b for a, b in zip(KNOWN, decoded(untrained, KNOWN), strict=True)]) < 0.1


def test_decoding_one_token_at_a_time_is_what_the_decoder_was_trained_on(controller):
    """Teacher-forced with what was decoded, in one pass, the best allowed tokens are those decoded."""
    tokens = controller._tokens(KNOWN)
    outputs = controller.encode(tokens).detach()
    code = nao.pooled(outputs)
    said = controller._tokens(list(controller.decode(outputs)))
    logits, _ = controller.decoder(torch.nn.functional.pad(said[:, :-1], (1, 0)), outputs, (code[None], code[None]))
    assert torch.equal(logits[..., 1:].argmax(-1) + 1, said)


def test_the_code_and_the_encoder_outputs_have_length_one(controller):
    outputs = controller.encode(controller._tokens(KNOWN))
    assert outputs.shape == (len(KNOWN), 6, nao.HIDDEN)
    assert torch.allclose(outputs.norm(dim=-1), torch.ones(len(KNOWN), 6), atol=1e-5)
    assert torch.allclose(nao.pooled(outputs).norm(dim=-1), torch.ones(len(KNOWN)), atol=1e-5)


def test_what_is_generated_is_new_valid_and_from_all_options_at_all_positions(controller):
    found = controller.generate(KNOWN, 300, SCORES)
    assert 100 < len(found) == len(set(found)) <= 300
    assert not set(found) & set(KNOWN)
    assert all(SPACE.is_valid(a) for a in found)
    assert {(i, option) for a in found for i, option in enumerate(a)} == {(i, o) for i in range(6) for o in range(5)}


def test_what_is_generated_is_predicted_to_be_better_than_its_seeds_and_is(controller):
    seeds = sorted(KNOWN, key=SCORES.__getitem__)[30:70]
    found = controller.generate(seeds, 40, SCORES)
    assert controller.predict(found).mean() > controller.predict(seeds).mean() + 0.2
    true = [sum(o == 3 for o in a) + 0.3 * sum(o == 2 for o in a) - 0.2 * a[5] for a in found]
    assert np.mean(true) > np.mean([SCORES[a] for a in seeds]) + 0.2


def test_generation_stops_at_the_count_and_at_what_is_known(controller):
    found = controller.generate(KNOWN[:20], 10, SCORES)
    assert len(found) == 10
    assert controller.generate(KNOWN[:20], 0, SCORES) == []
    assert not set(controller.generate(KNOWN[:20], 10, [*KNOWN, *found])) & set(found)


def test_choices_with_different_options_share_the_names_they_have_in_common():
    class Mixed:
        choices = (archs.Choice("a", ("conv", "skip")), archs.Choice("b", ("skip", "pool", "conv")))

        def is_valid(self, arch):
            return arch != (1, 1)

    every = list(archs.enumerate_archs(Mixed.choices))
    controller = nao.Controller(Mixed(), stream(0, "controller"))
    assert controller._tokens([(0, 2), (1, 0), (0, 1)]).tolist() == [[1, 1], [2, 2], [1, 3]]
    controller.fit(dict(zip(every, range(6), strict=True)), stream(0, "fit"), 30)
    assert {len(a) for a in decoded(controller, every)} == {2} and set(decoded(controller, every)) <= set(every)
    assert (1, 1) not in controller.generate(every, 6, ())


def test_an_epoch_is_every_architecture_eight_times():
    controller, seen = nao.Controller(SPACE, stream(0, "controller")), Counter()
    controller.encode.register_forward_pre_hook(lambda _, args: seen.update(map(tuple, args[0].tolist())))
    controller.fit(SCORES, stream(0, "fit"), 3)
    assert seen == {tuple(tokens): 24 for tokens in controller._tokens(KNOWN).tolist()}


def test_without_epochs_the_number_of_batches_is_the_same_for_any_number_of_scores(monkeypatch):
    monkeypatch.setattr(nao, "BATCHES", 12)
    steps = []
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda parameters, norm: steps.append(norm))
    for count, expected in ((1, 12), (50, 12), (100, 16)):
        steps.clear()
        fitted(dict(list(SCORES.items())[:count]), None)
        assert steps == [5.0] * expected
