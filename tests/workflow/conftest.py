"""The fixtures that tests of the workflow share."""

from collections.abc import Iterator

import pytest
from browser import chromium
from playwright.sync_api import Browser
from project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose study is complete; tests that change it take a copy."""
    project = Project(tmp_path_factory.mktemp("tiny") / "project")
    project.snakemake("demo")
    return project


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium() as found:
        yield found
