"""The page of the committed results in a real browser: it is complete, quiet, usable, and fits a phone and paper."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from project import BIN, ROOT

from supernet import config as configs
from supernet.report.site.build import build

sys.path.insert(0, str(ROOT / "workflow" / "scripts"))
import stages

pytestmark = pytest.mark.system
SCALE = "reduced"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LEDGER = "#ledger-landmark-2021"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site") / "page.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        config = configs.load(SCALE)
        path.write_text(build(config, SCALE, [job for s in stages.stages(config, SCALE) for job in s.jobs]))
    return path


def opened(browser: Browser, file: Path, size: dict[str, int]) -> tuple[Page, list[str]]:
    """The page when all is drawn, and what went wrong on it or asked for a network."""
    page, wrong = browser.new_page(viewport=size), []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "blob:", "data:")) else wrong.append(r.url))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    return page, wrong


def column(page: Page, table: str, number: int) -> list[str]:
    return page.eval_on_selector_all(f"{table} tbody td:nth-child({number})", "cells => cells.map(c => c.innerText)")


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d[\d.]*", text)]


def test_every_figure_is_drawn_and_nothing_complains(browser: Browser, file: Path) -> None:
    page, wrong = opened(browser, file, DESK)
    studies = [s for s in configs.load(SCALE, ROOT / "params.yaml").studies.values() if SCALE in s.scales]
    figures = page.locator("figure.plots")
    papers = {study.claims for study in studies if study.claims}
    assert figures.count() == len(papers) + 2 * len(studies) + 2 + 1  # claims, two a study, two of ranks, compute
    for plot in page.locator(".plot").all():
        assert plot.locator(".scatterlayer .trace").count() > 0
    points = page.locator("#ranks .scatterlayer .point")
    assert points.count() == 200
    page.locator("#ranks").scroll_into_view_if_needed()
    page.locator("#ranks .drag").first.hover(position={"x": 150, "y": 150})
    for point in points.all()[:40]:  # the first that no other one hides
        point.hover(force=True)
        if page.locator("#ranks .hoverlayer text").count():
            break
    assert re.search(r"\|\w+~0\|\+", page.locator("#ranks .hoverlayer").text_content() or "")
    assert wrong == []
    page.close()


def test_the_menu_of_a_figure_changes_it(browser: Browser, file: Path) -> None:
    page, wrong = opened(browser, file, DESK)
    title = page.locator("#ranks .gtitle")
    before = title.text_content()
    page.select_option("#ranks select", index=1)
    page.wait_for_function("old => document.querySelector('#ranks .gtitle').textContent !== old", arg=before)
    assert page.locator("#ranks select option").nth(1).text_content() in (title.text_content() or "")
    page.select_option("#ranks select", index=0)
    page.wait_for_function("old => document.querySelector('#ranks .gtitle').textContent === old", arg=before)
    assert wrong == []
    page.close()


def test_tables_sort_and_filter(browser: Browser, file: Path) -> None:
    page, wrong = opened(browser, file, DESK)
    answered = column(page, LEDGER, 1)
    assert answered and not any("not attempted" in text for text in answered)
    page.click("[data-verdict='not attempted']")
    assert {text.split(" ", 1)[1] for text in column(page, LEDGER, 1)} == {"not attempted"}
    page.click("[data-verdict='answered']")
    page.click(f"{LEDGER} thead th:nth-child(6) .dt-column-title")
    values = [float(text.split(" ")[0]) for text in column(page, LEDGER, 6) if "%" not in text and "." in text]
    assert len(values) > 3 and values == sorted(values)
    page.fill(f"{LEDGER}_wrapper input[type=search]", "GDAS")
    assert all("GDAS" in text for text in column(page, LEDGER, 3))
    page.fill("#all-numbers_wrapper input[type=search]", "precision_at_k")
    assert set(column(page, "#all-numbers", 3)) == {"precision_at_k"}
    assert wrong == []
    page.close()


def test_a_number_says_what_it_is_and_how_to_make_it_again(browser: Browser, file: Path) -> None:
    page, wrong = opened(browser, file, DESK)
    number = page.locator("#landmark-controls button.number").first
    shown = number.inner_text()
    number.click()
    card = page.locator("#card")
    said = page.locator("#card-value").inner_text()
    assert numbers(said)[:3] == pytest.approx(numbers(shown), abs=0.0006) and "n = 5" in said
    assert "snakemake reduced_study_landmark-controls" in card.inner_text()
    code = page.locator("#card-python").inner_text()
    printed = subprocess.run([BIN / "python", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "landmark-controls" in printed and "Empty" not in printed
    page.keyboard.press("Escape")
    assert not card.is_visible()
    assert wrong == []
    page.close()


def test_a_phone_scrolls_down_only_and_paper_has_it_all(browser: Browser, file: Path) -> None:
    page, wrong = opened(browser, file, PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.pdf(path=file.with_suffix(".pdf"))
    assert file.with_suffix(".pdf").stat().st_size > 100_000
    page.emulate_media(media="print")
    assert not page.locator("body > nav").is_visible() and page.locator(LEDGER).is_visible()
    assert wrong == []
    page.close()


def test_snakemakes_own_report_of_the_committed_results(tmp_path: Path) -> None:
    made = subprocess.run(
        [BIN / "snakemake", SCALE, "--report", tmp_path / "report.html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "report.html").read_text()
    assert "effects.png" in text and "landmark-2021" in text
