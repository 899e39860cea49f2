"""The weight of a regulariser over the epochs, by hand."""

import math

import pytest

from supernet import schedules


def weights(name, epochs, **more):
    return [schedules.weight(name, epoch, 10, 2, **more) for epoch in epochs]


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_every_schedule_is_zero_in_the_warm_up_and_between_zero_and_one_after_it(name):
    assert weights(name, [0, 1, 1.99]) == [0, 0, 0]
    assert all(0 <= w <= 1 for w in weights(name, [2 + i / 4 for i in range(33)]))


def test_by_hand():
    assert weights("cosine_increase", [2, 4, 6, 10]) == pytest.approx([0, 0.5 * (1 - math.sqrt(0.5)), 0.5, 1])
    assert weights("cosine_decrease", [2, 6, 8, 10]) == pytest.approx([1, 0.5, 0.5 * (1 - math.sqrt(0.5)), 0])
    assert weights("step_increase", [2, 4, 6, 8, 10]) == [0, 0.01, 0.1, 1, 1]
    assert weights("step_decrease", [2, 4, 6, 8, 10]) == [1, 0.1, 0.01, 0.001, 0.001]
    assert weights("constant", [2, 9.9]) == [1, 1]


def test_over_the_whole_run_a_schedule_is_cut_off():
    """As the released code does: after 8 of 10 epochs half a cosine over 10 is not at its end."""
    expected = [0.5 * (1 - math.cos(math.pi * passed / 10)) for passed in (0, 4, 8)]
    assert weights("cosine_increase", [2, 6, 10], over="run") == pytest.approx(expected)
    assert expected[-1] == pytest.approx(0.9045, abs=1e-4)


def test_the_ramp_comes_first_and_the_schedule_after_it():
    assert weights("constant", [2, 3, 4, 5], ramp=2.0) == [0, 0.5, 1, 1]
    assert weights("cosine_decrease", [3, 4, 7, 10], ramp=2.0) == pytest.approx([0.5, 1, 0.5, 0])
