"""The site is made without a warning, and every link on it leads somewhere."""

import html
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest
from project import ROOT

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def site() -> Path:
    done = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "docs" / "_build"


def test_it_has_every_page_module_and_command(site: Path) -> None:
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").is_file()
    for module in (ROOT / "src" / "supernet").rglob("[a-z]*.py"):
        name = ".".join(module.relative_to(ROOT / "src").with_suffix("").parts)
        assert (site / "api" / f"{name}.html").is_file()
    commands = (site / "commands.html").read_text()
    assert 'id="supernet-rank"' in commands and 'id="supernet-stage-train"' in commands
    assert 'href="api/supernet.regularisers.landmark.html"' in (site / "add-a-method.html").read_text()
    assert "Run.score" in (site / "api" / "supernet.published.html").read_text()


def test_every_link_leads_somewhere(site: Path) -> None:
    texts = {page: page.read_text() for page in site.rglob("*.html")}
    ids = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in texts.items()}
    links = 0
    for page, text in texts.items():
        for link in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            target, _, anchor = unquote(html.unescape(link)).partition("#")
            if re.match(r"[a-z]+:|//", target):
                continue
            there = (page.parent / target.partition("?")[0]).resolve() if target else page
            assert there.is_file(), f"{page.relative_to(site)}: {link}"
            assert not anchor or there.suffix != ".html" or anchor in ids[there], f"{page.relative_to(site)}: {link}"
            links += 1
    assert links > 1000
