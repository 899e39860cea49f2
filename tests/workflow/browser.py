"""A headless Chromium for tests that look at a page: playwright drives one that is installed, or Debian's.

Playwright's own download needs a host that many machines cannot reach; Debian's package needs root. Where neither
works, the test is skipped and says why.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
PATIENCE = 240  # seconds for each of Debian's two commands


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser; the test is skipped where there is none and none can be installed."""
    path, reason = _installed(), ""
    if path is None:
        path, reason = _install()
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = path or (own if Path(own).exists() else None)
        if path is None:
            pytest.skip(f"no Chromium: {reason}; install one, or run: playwright install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def _installed() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _install() -> tuple[str | None, str]:
    """The path of Debian's Chromium after installing it, or why that did not work."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None, "none is in the PATH, and Debian's cannot be installed without apt-get and root"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("apt-get", "update"), INSTALL):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
            )
        except subprocess.TimeoutExpired:
            return None, f"{' '.join(command)} took more than {PATIENCE} s"
        if done.returncode:
            return None, f"{' '.join(command)}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}"
    return _installed(), "Debian's package was installed, but brought no chromium"
