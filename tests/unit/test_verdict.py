"""The written rule of the ledger, case by case, and an interval widened by hand."""

import pytest

from supernet.report import ledger
from supernet.report.ledger import Interval


@pytest.mark.parametrize(
    ("scale", "contrast", "published", "spread", "ours", "expected"),
    [
        ("full", False, 0.80, 0.02, (0.83, 0.81, 0.85), "reproduced"),  # [0.81, 0.85] meets [0.78, 0.82]
        ("full", False, 0.80, 0.02, (0.84, 0.83, 0.85), "not reproduced"),
        ("full", False, 0.80, 0.02, (0.76, 0.74, 0.78), "reproduced"),  # they touch
        ("full", False, 0.80, 0.0, (0.80, float("nan"), float("nan")), "undecided"),
        ("full", True, 0.03, 0.0, (0.01, 0.00, 0.02), "not reproduced"),
        ("full", True, 0.03, 0.01, (0.01, 0.00, 0.02), "reproduced"),
        ("reduced", True, 0.03, 0.0, (0.20, 0.10, 0.30), "direction holds"),
        ("reduced", True, 0.03, 0.0, (-0.20, -0.30, -0.10), "direction fails"),
        ("reduced", True, -0.03, 0.0, (-0.20, -0.30, -0.10), "direction holds"),
        ("reduced", True, 0.03, 0.0, (0.10, -0.01, 0.21), "undecided"),
        ("reduced", True, 0.0, 0.0, (0.20, 0.10, 0.30), "undecided"),  # a published 0 claims no direction
        ("reduced", True, 0.5 - 0.4 - 0.1, 0.0, (-0.20, -0.30, -0.10), "undecided"),  # nor does its rounding
        ("reduced", True, 0.03, 0.0, (0.10, float("nan"), float("nan")), "undecided"),
        ("reduced", False, 0.80, 0.02, (0.80, 0.79, 0.81), "other scale"),
        ("demo", False, 0.80, 0.02, None, "not attempted"),
        ("full", True, 0.80, 0.02, None, "not attempted"),
    ],
)
def test_verdict(scale, contrast, published, spread, ours, expected):
    assert ledger.verdict(scale, contrast, published, spread, ours and Interval(*ours)) == expected


def test_an_independent_error_adds_in_squares():
    assert Interval(0.5, 0.2, 0.9).with_error(0.3) == Interval(0.5, 0.5 - 0.18**0.5, 1.0)  # 0.3, 0.3 and 0.4, 0.3
