"""Every test process computes with one thread, as the pipeline's jobs do; tests of one finished study stay together."""

import os

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here and in what tests start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "finished" in getattr(item, "fixturenames", ()):  # a study of minutes, made once for all of them
            item.add_marker(pytest.mark.xdist_group("finished"))
