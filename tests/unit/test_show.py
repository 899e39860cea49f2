"""How numbers stand on a terminal."""

import pytest

from supernet.commands import show


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1.25824, "-1.2582"),
        (1.0, "1.0000"),
        (0.0, "0.0000"),
        (4.4321e-5, "4.432e-05"),
        (234032.0, "234,032"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_keep_what_tells_them_apart(value, text):
    assert show.number(value) == text
