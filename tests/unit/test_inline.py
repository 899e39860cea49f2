"""Numbers inside prose."""

import pandas as pd
import pytest

from supernet import records
from supernet.errors import UserError
from supernet.report import inline


@pytest.fixture
def root(tmp_path):
    rows = [
        ("contrast", "b - a", "S-KdT, oneshot:loss", 0.1234, 0.1, 0.2),
        ("contrast", "b - a", "found, %", -0.01, -0.02, -0.005),
        ("contrast", "c - a", "S-KdT, oneshot:loss", 0.0, -0.1, 0.1),
        ("method", "c - a", "S-KdT, oneshot:loss", 0.0, -0.1, 0.1),
        ("operation", "a: skip -> none", "truth rises", 0.5, 0.4, 0.6),
    ]
    table = pd.DataFrame(rows, columns=["part", "label", "quantity", "value", "low", "high"])
    records.write_table(tmp_path / "results/full/report/one/table.parquet", table, {"settings": {"seeds": [0, 1, 4]}})
    return tmp_path


def test_numbers_and_words_are_those_of_the_table(root):
    text = (
        "Up <!--= full/one; b - a; S-KdT, oneshot:loss -->old<!--.-->, it"
        " <!--? full/one; b - a; found, %; gains; loses; may do either --><!--.-->:\n"
        "<!--= full/one; b - a; found, % -->\nold\n<!--.--> (<!--# full/one --><!--.-->)"
    )
    filled = inline.fill(text, root)
    bare = inline.MARKED.sub(lambda found: found[0].removeprefix(found[1]).removesuffix(found[4]), filled)
    assert bare == "Up 0.123 [0.100, 0.200], it loses:\n-1.00 [-2.00, -0.50] (3 seeds, `snakemake full_study_one`)"
    assert inline.fill(filled, root) == filled  # again: the same


def test_a_label_may_hold_an_arrow(root):
    found = inline.MARKED.search(inline.fill("<!--= full/one; a: skip -> none; truth rises --><!--.-->", root))
    assert found[0] == "<!--= full/one; a: skip -> none; truth rises -->0.500 [0.400, 0.600]<!--.-->"


@pytest.mark.parametrize(
    "marked, message",
    [
        ("= full/two; b - a; found, %", r"report/two/table\.parquet: no such file"),
        ("= full/one; x - a; found, %", "the table of full/one has 0 such numbers, expected one"),
        ("= full/one; c - a; S-KdT, oneshot:loss", "has 2 such numbers"),
        ("# full/one; b - a", "expected SCALE/STUDY$"),
        ("= full/one; b - a", "expected SCALE/STUDY; LABEL; QUANTITY$"),
        ("? full/one; b - a; found, %; up", "expected SCALE/STUDY; LABEL; QUANTITY; ABOVE; BELOW; UNCLEAR"),
    ],
)
def test_a_mark_without_a_number_is_one_line(root, marked, message):
    with pytest.raises(UserError, match=message):
        inline.fill(f"<!--{marked} --><!--.-->", root)
