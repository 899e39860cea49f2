"""The fixtures that tests of the workflow share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from project import Project

INSTALL = 300  # seconds that installing a browser may take


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose study is complete; tests that change it take a copy."""
    project = Project(tmp_path_factory.mktemp("tiny") / "project")
    project.snakemake("demo")
    return project


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium, driven by playwright; installed where it can be, else the test is skipped with the reason."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with api.sync_playwright() as playwright:
        found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
        if not found:
            _install()
            found = [path for path in [shutil.which("chromium")] if path]
        try:  # without a path: the one that playwright brought
            chromium = playwright.chromium.launch(executable_path=next(iter(found), None), args=["--no-sandbox"])
        except api.Error as error:
            pytest.skip(f"no browser, and none could be installed: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


def _install() -> None:
    """Playwright's own Chromium, or Debian's; whether it worked is seen at the start."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        ways.append(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"])
    for way in ways:
        try:
            if subprocess.run(way, capture_output=True, timeout=INSTALL, check=False).returncode == 0:
                return
        except subprocess.TimeoutExpired:
            continue
