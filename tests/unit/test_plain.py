"""The numbers and curves that DVC compares."""

import pytest
import tiny

from supernet import records
from supernet.report import plain
from supernet.report.summary import summarise
from supernet.stages import measure


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    root = tmp_path_factory.mktemp("plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        job = tiny.write_study(tiny.load(root, bootstrap=1), "demo", "demo")
        measure.run(job, root / "state")
        return records.read_table(job.outputs["metrics"]), job.settings


def test_numbers_are_those_of_the_table(measured):
    rows, settings = measured
    table = summarise(rows, settings)
    found = plain.numbers(table)
    assert list(found) == settings["study"]["methods"]
    cells = table.set_index(["label", "quantity"])["value"]
    for method, numbers in found.items():
        assert set(numbers) == {"S-KdT, oneshot:loss", "Kendall tau", "found, %"}
        for quantity, value in numbers.items():
            factor = 100 if quantity == "found, %" else 1
            assert value == pytest.approx(cells[method, quantity] * factor, abs=1e-6)


def test_curves_have_a_value_an_epoch_and_method_or_none(measured):
    rows, settings = measured
    points = plain.curves(rows, settings)
    epochs = [point["epoch"] for point in points]
    assert epochs == sorted(set(epochs)) and len(epochs) > 1
    assert all(set(point) == {"epoch", *settings["study"]["methods"]} for point in points)
    last = plain.numbers(summarise(rows, settings))
    for method in settings["study"]["methods"]:
        assert points[-1][method] == last[method]["S-KdT, oneshot:loss"]
    later = rows[~((rows["method"] == "spos") & (rows["epoch"] == epochs[0]))]
    assert plain.curves(later, settings)[0]["spos"] is None
