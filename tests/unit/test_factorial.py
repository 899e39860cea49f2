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
from supernet.report.sampling import Sampling
from supernet.sections import Study
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


@pytest.mark.parametrize(
    "generators",
    [
        {"E": ["A", "X"]},
        {"X": ["A", "B"]},
        {"E": ["A", "E"]},
        {"E": ["A", "A"]},
        {"E": ["A", "D"], "D": ["A", "B"]},
    ],
)
def test_what_generates_must_be_free(generators):
    with pytest.raises(ValidationError, match=r"is not a factor, or is generated|expected a factor, and distinct"):
        Factorial(base="b", factors={name: {} for name in "ABCDE"}, generators=generators)


def test_effects_by_hand():
    """Two factors, four methods, two seeds: 10 + 3 A + 1 B + 2 AB (levels 0, 1), and a seed's 0 or 0.5."""
    levels = [(0, 0), (0, 1), (1, 0), (1, 1)]
    values = np.array([[10 + 3 * a + b + 2 * a * b + seed / 2 for seed in (0, 1)] for a, b in levels])
    found = {name: rest for name, *rest in factors.fit(values, ["A", "B"], levels, [], 0.95)}
    assert {name: effect for name, (effect, _, _) in found.items()} == pytest.approx({"A": 4, "B": 2, "A x B": 1})
    values[0, 0] += 0.8  # each effect of seed 0 is off by 0.4: variance 0.08 in all three, two of which are pooled
    *_, low, high = next(factors.fit(values, ["A", "B"], levels, [], 0.95))
    assert high - low == pytest.approx(2 * 4.302653 * (0.08 / 2) ** 0.5, rel=1e-5)
    *_, low, high = next(factors.fit(values, ["A", "B"], levels, ["A"], 0.95))
    assert high - low == pytest.approx(2 * 12.706205 * (0.08 / 2) ** 0.5, rel=1e-5)  # its own error: one degree


def test_one_factor_is_the_paired_interval():
    values = np.array([[1.0, 1.2, 1.1], [1.5, 1.4, 1.7]])
    (_, effect, low, high), *none = factors.fit(values, ["A"], [(0,), (1,)], [], 0.95)
    assert not none and (effect, low, high) == pytest.approx(intervals.t_interval(values[1] - values[0], 0.95))


def test_an_effect_that_is_mixed_up_with_another_is_left_out():
    """Resolution III: the third factor is the product of the others, and so is each of them of the two others."""
    third = Factorial(base="b", factors={name: {} for name in "ABC"}, generators={"C": ["A", "B"]})
    values = np.random.default_rng(0).normal(size=(4, 3))
    assert [name for name, *_ in factors.fit(values, list("ABC"), list(third.methods("f").values()), [], 0.95)] == list(
        "ABC"
    )


def test_what_is_shared_within_a_seed_is_no_evidence():
    """Nothing has an effect, but runs of a seed have errors in common: 95 % intervals cover 0 that often.

    Those of a cell of C, D and E, drawn once a seed, of which A x B is the product; and what A and B do in a seed.
    """
    levels, rng = np.array(list(FIVE.methods("f").values())), np.random.default_rng(0)
    cell = levels[:, 2:] @ [4, 2, 1]
    missed = dict.fromkeys(("A", "B", "C", "E", "A x B", "A x C", "C x D"), 0)
    for _ in range(400):
        values = rng.normal(size=(16, 5)) + rng.normal(size=(8, 5))[cell] + levels[:, :2] @ rng.normal(size=(2, 5))
        for name, _, low, high in factors.fit(values, list("ABCDE"), levels, list("CDE"), 0.95):
            if name in missed:
                missed[name] += not low <= 0 <= high
    assert all(number < 0.09 * 400 for number in missed.values()), missed


def test_an_undefined_number_makes_effects_undefined_and_nothing_fails():
    values = np.full((4, 2), 0.5)
    values[1, 1] = np.nan
    found = list(factors.fit(values, ["A", "B"], [(0, 0), (0, 1), (1, 0), (1, 1)], [], 0.95))
    assert len(found) == 3 and all(np.isnan(number) for _, *numbers in found for number in numbers)


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
    assert set(zip(effects["label"], effects["quantity"], strict=True)) == {
        (n, q) for n in names for q in (*shown, summary.OTHERS)
    }
    assert (effects["n"] == 3).all()
    one = select(effects, label=names[0], quantity=shown[0]).iloc[0]
    last = select(rows, epoch=400, **factors.outcomes(rows, job.settings)[0].where).dropna(subset="seed")
    by_level = [
        last[last["method"].map(lambda m, x=x: job.settings["factorial"]["levels"].get(m, [9])[0] == x)] for x in (0, 1)
    ]
    assert one["value"] == pytest.approx(by_level[1]["value"].mean() - by_level[0]["value"].mean())
    assert select(table, part=summary.INTERACTION)["label"].nunique() == 10


def test_a_choice_that_is_undefined_for_one_run_is_undefined(measured):
    rows, job = measured
    choice = factors.choices(rows, job.settings)[0]
    lost = rows.copy()
    of = select(lost, epoch=400, seed=1, method=job.settings["study"]["methods"][3], **choice.after).index
    lost.loc[of, "value"] = np.nan
    study = Study.model_validate(job.settings["study"])
    unknown = Sampling(np.arange(4.0), study, job.settings["metrics"])
    for table, undefined in ((rows, False), (lost, True)):
        effects = select(factors.effects(table, job.settings, unknown), method=factors.CHOICE + choice.name)
        assert np.isnan(effects[["value", "low", "high"]].to_numpy()).all() == undefined and len(of) == 1


def test_what_other_architectures_would_change_is_beside_effects_and_choices(measured):
    rows, job = measured
    first, *_ = factors.outcomes(rows, job.settings)
    names = [factors.EFFECT.format("denominator"), factors.CHOICE + factors.choices(rows, job.settings)[0].name]
    for name in names:
        (row,) = select(rows, method=name, **({} if "choice" in name else first.where)).to_dict("records")
        assert row["sampled"] > 0


def test_the_page_and_the_figure_say_how_many_were_asked(measured):
    rows, job = measured
    page = summary.markdown(summary.summarise(rows, job.settings), rows, job.settings)
    assert "16 methods, 3 seeds" in page and "the 5 intervals of a column together hold at 95 %" in page
    assert "these 5 intervals together hold" in page
    assert "an error of its own: `order`, `landmarks`, `sharing`" in page
    assert "no correction counts these 40 intervals" in page and "| both: released, 1 % - paper, 0.1 % | " in page
    assert "| denominator x pairs |" in page and "| search: aging - evolution | –" in page
    assert "landmarks are ordered by `valid` accuracy, but those of paper-or-code-00101" in page
    excerpt = summary.excerpt(summary.summarise(rows, job.settings))
    assert excerpt[0].startswith("| level 1 - level 0 | S-KdT") and excerpt[2].startswith("| denominator | ")
    axes = figures.effects(rows, job.settings).axes
    assert len(axes) == 4 and [t.get_text() for t in axes[0].get_yticklabels()][4:6] == [
        "sharing",
        "definition: released - paper",
    ]
