"""Architectures, streams and landmark sampling."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from supernet import arch as archs
from supernet import landmarks
from supernet.arch import Choice
from supernet.errors import UserError
from supernet.seeding import stream

CHOICES = (Choice("a", ("x", "y")), Choice("b", ("x", "y", "z")), Choice("c", ("x", "y", "z")))


def test_counting_and_enumeration():
    everything = list(archs.enumerate_archs(CHOICES))
    assert archs.size(CHOICES) == len(everything) == len(set(everything)) == 18


def test_hamming_by_hand():
    assert archs.hamming((0, 1, 2), (0, 2, 2)) == 1
    assert archs.hamming((0, 1, 2), (1, 2, 0)) == 3


def test_sampling_is_uniform():
    counts = Counter(archs.sample(CHOICES, stream(0, "uniform", i)) for i in range(9000))
    assert len(counts) == 18 and min(counts.values()) > 400 and max(counts.values()) < 600


def test_mutation_is_uniform_over_positions_and_other_options():
    counts = Counter(archs.mutate(CHOICES, (0, 0, 0), stream(0, "mutate", i)) for i in range(6000))
    assert set(counts) == set(archs.neighbours(CHOICES, (0, 0, 0)))
    assert abs(counts[(1, 0, 0)] - 2000) < 150 and abs(counts[(0, 2, 0)] - 1000) < 120


def test_crossover_takes_from_both_and_mutate_each_keeps_with_probability_zero():
    rng = stream(0, "cross")
    children = {archs.crossover((0, 0, 0), (1, 1, 1), rng) for _ in range(200)}
    assert len(children) == 8
    assert archs.mutate_each(CHOICES, (0, 1, 2), 0.0, rng) == (0, 1, 2)


def test_one_hot_by_hand():
    assert archs.one_hot(CHOICES, [(1, 0, 2)]).tolist() == [[0, 1, 1, 0, 0, 0, 0, 1]]


def test_check_names_what_was_expected():
    with pytest.raises(UserError, match="expected 3 option numbers below"):
        archs.check(CHOICES, (0, 3, 0))


def test_streams_are_the_same_in_every_process_and_differ_by_name():
    code = "from supernet.seeding import stream; print(stream(3, 'paths', 7).integers(10**9))"
    printed = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": h}, capture_output=True, text=True, check=True
        )
        for h in ("1", "2")
    ]
    here = str(stream(3, "paths", 7).integers(10**9))
    assert [p.stdout.strip() for p in printed] == [here, here]
    draws = {
        tuple(stream(*at).integers(10**9, size=3))
        for at in [(3, "paths", 8), (4, "paths", 7), (3, "pairs", 7), (3, "paths")]
    }
    assert len(draws) == 4


def test_distant_landmarks_keep_their_distance_to_the_root():
    """Algorithm 1: strictly more than ``distance`` from the root, distinct, none forbidden."""
    space = tuple(Choice(str(i), ("a", "b", "c", "d", "e")) for i in range(6))
    forbidden = {archs.sample(space, stream(0, "forbidden", i)) for i in range(200)}
    for distance in range(1, 6):
        drawn = landmarks.sample(
            space, stream(1, "landmarks"), kind="distant", count=30, distance=distance, forbidden=forbidden
        )
        assert len(set(drawn)) == 30 and not set(drawn) & forbidden
        assert all(archs.hamming(drawn[0], a) > distance for a in drawn[1:])


def test_uniform_landmarks_cover_a_small_space():
    drawn = landmarks.sample(CHOICES, stream(0, "all"), kind="uniform", count=17, forbidden={(0, 0, 0)})
    assert set(drawn) == set(archs.enumerate_archs(CHOICES)) - {(0, 0, 0)}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"kind": "distant", "count": 5, "distance": 3}, "distance is 3, expected less than the 3 choices"),
        ({"kind": "uniform", "count": 19}, "only 18 architectures are admissible"),
        ({"kind": "distant", "count": 8, "distance": 0}, "found only 6 of 8"),  # a root and its five neighbours
    ],
)
def test_impossible_landmarks_are_one_line_errors(arguments, line):
    with pytest.raises(UserError, match=line):
        landmarks.sample(CHOICES, stream(0, "no"), **arguments)


def test_spread_landmarks_stand_at_even_ranks_of_what_is_predicted():
    """All 18 architectures are in the pool: of six, every third by the number of the first option."""
    everything = list(archs.enumerate_archs(CHOICES))
    value = {arch: float(i) for i, arch in enumerate(everything)}
    drawn = landmarks.spread(CHOICES, stream(0, "spread"), value.__getitem__, count=6)
    assert [value[arch] for arch in drawn] == [1, 4, 7, 10, 13, 16]
    fewer = landmarks.spread(CHOICES, stream(0, "spread"), value.__getitem__, count=4, forbidden=everything[:10])
    assert [value[arch] for arch in fewer] == [11, 13, 15, 17]
    with pytest.raises(UserError, match="count is 9, but only 8 architectures are admissible"):
        landmarks.spread(CHOICES, stream(0, "spread"), value.__getitem__, count=9, forbidden=everything[:10])


def test_landmarks_differ_between_seeds():
    space = tuple(Choice(str(i), ("a", "b", "c", "d", "e")) for i in range(6))
    sets = [landmarks.sample(space, stream(s, "landmarks"), kind="distant", count=10) for s in range(3)]
    assert len({tuple(s) for s in sets}) == 3
    assert np.array_equal(sets[0], landmarks.sample(space, stream(0, "landmarks"), kind="distant", count=10))
