"""The fixture that tests of the workflow share."""

import pytest
from project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose study is complete; tests that change it take a copy."""
    project = Project(tmp_path_factory.mktemp("tiny") / "project")
    project.snakemake("demo")
    return project
