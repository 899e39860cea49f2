"""The fixtures that tests of the workflow share."""

from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def project(finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the finished project, as the working directory."""
    copy = finished.copy(tmp_path / "project")
    monkeypatch.chdir(copy.folder)
    return copy


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium() as found:
        yield found
