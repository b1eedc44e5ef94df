"""How many clicks it takes: a clinician to a report, a researcher to a threshold of the own place."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.browser import clicks
from tests.browser.conftest import fresh
from tests.browser.waiting import idle
from tests.phantoms.chest import chest, png

TO_A_REPORT, TO_A_THRESHOLD = 4, 6


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """One of its own: what counts the clicks would stay on a page that others use after."""
    page = fresh(browser, {"viewport": {"width": 1440, "height": 900}})
    clicks.count(page)
    yield page
    page.context.close()


def test_a_clinician_comes_from_the_first_screen_to_a_report_on_an_own_film(page: Page, address: str):
    page.goto(address)
    expect(page.locator(".opacity-verdict")).to_be_visible()
    idle(page)
    with page.expect_file_chooser() as chooser:
        page.locator("[data-testid=stFileUploaderDropzone] button").first.click()
    chooser.value.set_files([{"name": "own.png", "mimeType": "image/png", "buffer": png(chest(seed=7))}])
    expect(page.get_by_label("Shown").first).to_have_value("own.png")
    idle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="PDF", exact=True).click()
    (paper,) = PdfReader(io.BytesIO(download.value.path().read_bytes())).pages
    assert "own.png" in paper.extract_text()
    assert 2 <= clicks.counted(page) <= TO_A_REPORT


def test_a_researcher_comes_from_a_labelled_folder_to_a_threshold_in_use(
    page: Page, address: str, tmp_path: Path
):
    for k in range(24):
        film = tmp_path / ("normal" if k < 20 else "pneumonia") / f"patient{k}.png"
        film.parent.mkdir(exist_ok=True)
        film.write_bytes(png(chest(seed=k, opacity=0.5 * (k >= 20))))
    page.goto(f"{address}/?card=pneumonia-all-ages-small")
    expect(page.locator(".opacity-verdict")).to_be_visible()
    idle(page)
    page.get_by_role("link", name="Screen").click()
    page.get_by_text("A whole folder").click()
    expect(page.get_by_test_id("stMain").get_by_text("Folder", exact=True)).to_be_visible()
    idle(page)
    with page.expect_file_chooser() as chooser:
        page.locator(".stMain [data-testid=stFileUploaderDropzone] button").first.click()
    chooser.value.set_files(tmp_path)
    page.get_by_role("tab", name="How did it do").click()
    page.get_by_role("button", name="Use this threshold").click()
    expect(page.get_by_text(re.compile("set on 20 normal scans of your own")).first).to_be_visible()
    assert 5 <= clicks.counted(page) <= TO_A_THRESHOLD
