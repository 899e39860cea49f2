"""The benchmark: its counts by hand, its pairs, and one case for real, at a size of seconds."""

import pytest
import torch

from supernet.bench import scores, steps
from supernet.bench.subjects import SPACE, Paths, build, threes
from supernet.bench.timing import Conv, Work, interleaved, ratio, work
from supernet.report import speed
from supernet.step import Step


def test_floating_point_operations_by_hand():
    assert Conv(16, 32, 8, 3, 2, 1).flops(batch=5) == 2 * 5 * 4 * 4 * 16 * 32 * 9
    assert Conv(16, 16, 8, 1, 1, 2).flops(batch=1) == 2 * 8 * 8 * 8 * 16  # a group sees half of the channels
    one = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Conv2d(4, 4, 1))
    x = torch.randn(2, 3, 8, 8)
    first, second = 2 * 7 * 64 * 3 * 4 * 9, 2 * 7 * 64 * 4 * 4
    assert work(one, lambda: one(x), 7, False, "cpu").flops == first + second
    assert work(one, lambda: one(x), 7, True, "cpu").flops == 2 * first + 3 * second  # an image needs no gradient
    assert Work(1, 2) + Work(3, 4) * 2 == Work(7, 10)


def test_cases_take_turns_after_a_warm_up():
    calls = []
    seconds = interleaved({name: lambda n, name=name: calls.append((name, n)) for name in "ab"}, 2, "cpu")
    assert calls == [("a", 0), ("b", 0), ("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2}
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == 2.0


@pytest.mark.parametrize("active", [True, False])
def test_a_pair_is_as_active_as_asked_and_each_architecture_is_the_path_once(active):
    chosen, net = threes(2), build(1, "cpu", width=4)
    method, paths, plan = Paths(chosen, active), [], net.plan
    net.plan = lambda arch: paths.append(arch) or plan(arch)
    x, y = torch.randn(4, 3, 8, 8), torch.arange(4)
    for method.number in range(6):
        asked = len(paths)
        _, pair = method.losses(net, Step(x, y, 0.0, lambda: (x, y), None, None))
        assert sorted(pair.weights.tolist()) == ([-1.0, 1.0] if active else [0.0, 0.0])
        assert not active or pair.losses[int(pair.weights.argmax())] == max(pair.losses)  # the better one, which loses
        assert sorted(paths[asked:]) == sorted(chosen[method.number // 3 * 3 :][:3])
    assert sorted(paths[::3]) == sorted(chosen) and all(map(SPACE.is_valid, chosen))


def test_a_case_of_training_and_one_of_scoring_end_in_a_page():
    rows = [*steps.steps(1, 4, 3, "cpu"), *scores.scoring(1, 100, 1, "cpu")]
    assert {row["case"] for row in rows} >= {steps.PLAIN, steps.ACTIVE, "evaluation, recalibrated"}
    for row in rows:
        assert row["seconds"] > 0 and row["ratio"] > 0 and row["images"]
    pair = next(row for row in rows if row["case"] == steps.ACTIVE)
    assert 1.5 < pair["bound"] < 6 and pair["gflops"] > 0
    page = speed.table({"machine": {"processor": "this one", "torch": "2"}, "rows": rows})
    assert page.count("\n|") == 2 + len(rows)
