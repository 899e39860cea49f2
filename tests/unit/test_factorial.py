"""Fractional factorials: which methods they are made of, and their effects by hand."""

from itertools import combinations

import numpy as np
import pytest
import tiny
from pydantic import ValidationError

from supernet import intervals, plan, records
from supernet.factorial import Factorial
from supernet.report import factors, figures, summary
from supernet.report.rows import select
from supernet.stages import measure

FIVE = Factorial(base="b", factors={name: {name: 1} for name in "ABCDE"}, generators={"E": list("ABCD")})


def test_half_of_five_factors_has_resolution_five():
    """The base is a run; every factor and every two are balanced, and no two of these columns are alike."""
    levels = np.array(list(FIVE.methods("f").values()))
    assert levels.shape == (16, 5) and not levels[0].any() and len(np.unique(levels, axis=0)) == 16
    signs = 2 * levels.T - 1
    columns = np.array([*signs, *(a * b for a, b in combinations(signs, 2))])
    assert (columns @ columns.T == 16 * np.eye(15)).all() and not columns.sum(1).any()


def test_names_say_the_levels():
    names = list(FIVE.methods("f"))
    assert names[:3] == ["b", "f-00011", "f-00101"] and names[-1] == "f-11110"


@pytest.mark.parametrize("generators", [{"E": ["A", "X"]}, {"X": ["A", "B"]}, {"E": ["A", "D"], "D": ["A", "B"]}])
def test_what_generates_must_be_free(generators):
    with pytest.raises(ValidationError, match="is not a factor, or is generated itself"):
        Factorial(base="b", factors={name: {} for name in "ABCDE"}, generators=generators)


def test_effects_by_hand():
    """Two factors, four methods, two seeds: 10 + 3 A + 1 B + 2 AB (levels 0, 1), and a seed's 0 or 0.5."""
    levels = [(0, 0), (0, 1), (1, 0), (1, 1)]
    values = np.array([[10 + 3 * a + b + 2 * a * b + seed / 2 for seed in (0, 1)] for a, b in levels])
    found = {name: rest for name, *rest in factors.fit(values, ["A", "B"], levels, 0.95)}
    assert {name: effect for name, (effect, _, _) in found.items()} == pytest.approx({"A": 4, "B": 2, "A x B": 1})
    values[0, 0] += 0.8  # residuals 0.3, -0.3 and six of 0.1; 8 - 2 seeds - 3 effects = 3 degrees of freedom, t = 3.182
    *_, low, high = next(factors.fit(values, ["A", "B"], levels, 0.95))
    assert high - low == pytest.approx(2 * 3.182446 * 2 * (0.24 / 3) ** 0.5 / 8**0.5, rel=1e-5)


def test_two_levels_without_interactions_are_a_t_test():
    """Two factors of which nothing but A is fitted would pool; here one seed pairs with the paired interval."""
    values = np.array([[1.0, 1.2, 1.1], [1.5, 1.4, 1.7]])
    (_, effect, low, high), *none = factors.fit(values, ["A"], [(0,), (1,)], 0.95)
    assert not none and (effect, low, high) == pytest.approx(intervals.t_interval(values[1] - values[0], 0.95))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    root = tmp_path_factory.mktemp("factorial")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        chosen = tiny.only(tiny.load(root, "full", bootstrap=2), "paper-or-code")
        job = tiny.write_study(chosen, "paper-or-code", "full")
        measure.run(job, root)
        yield records.read_table(job.outputs["metrics"]), plan.summary(chosen, scale="full", study="paper-or-code")


def test_the_study_has_an_effect_for_every_factor_and_outcome(measured):
    rows, job = measured
    names = list(job.settings["factorial"]["factors"])
    table = summary.summarise(rows, job.settings)
    shown = [column.title for column in factors.outcomes(rows, job.settings)]
    assert shown == ["S-KdT, oneshot:loss", "S-KdT, oneshot:accuracy", "found by evolution, %", "found by aging, %"]
    effects = select(table, part=summary.EFFECT)
    assert set(zip(effects["label"], effects["quantity"], strict=True)) == {(n, q) for n in names for q in shown}
    assert (effects["n"] == 48).all() and factors.tested(rows, job.settings) == 20
    one = select(effects, label=names[0], quantity=shown[0]).iloc[0]
    last = select(rows, epoch=400, **factors.outcomes(rows, job.settings)[0].where).dropna(subset="seed")
    by_level = [
        last[last["method"].map(lambda m, x=x: job.settings["factorial"]["levels"].get(m, [9])[0] == x)] for x in (0, 1)
    ]
    assert one["value"] == pytest.approx(by_level[1]["value"].mean() - by_level[0]["value"].mean())
    assert select(table, part=summary.INTERACTION)["label"].nunique() == 10


def test_the_page_and_the_figure_say_how_many_were_asked(measured):
    rows, job = measured
    page = summary.markdown(summary.summarise(rows, job.settings), rows, job.settings)
    assert "over all 48 runs" in page and "all 20 intervals together hold at 95 %" in page
    assert "| denominator x pairs |" in page and "| search: aging - evolution |" in page
    axes = figures.effects(rows, job.settings).axes
    assert len(axes) == 4 and [t.get_text() for t in axes[0].get_yticklabels()][-1] == "sharing"
