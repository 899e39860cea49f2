"""What MLflow is told, without MLflow."""

import sys

from project import ROOT

from supernet.report.rows import frame

sys.path.insert(0, str(ROOT / "workflow" / "scripts"))
import track


def test_curves_are_of_one_run_by_its_tasks_own_truth() -> None:
    row = {"study": "s", "task": "t", "method": "m", "seed": 0, "epoch": 9, "estimator": "oneshot:loss"}
    row |= {"metric": "kendall_tau", "value": 0.5, "truth": "test"}
    others = [{"truth": "cifar100/test"}, {"seed": 1}, {"method": "n"}, {"task": "u"}, {"seed": None}]
    rows = frame([row, *({**row, "value": 0.1, **other} for other in others)])
    assert list(track._measured([rows], "t", "test", "m", 0)) == [("s/oneshot.loss/kendall_tau", 0.5, 9)]
