"""Every test process computes with one thread, as the pipeline's jobs do, and tests of the workflow share a worker."""

import os
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here and in what tests start
WORKFLOW = Path(__file__).parent / "workflow"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(WORKFLOW):
            item.add_marker(pytest.mark.xdist_group("workflow"))  # they share the fixture of a finished study
