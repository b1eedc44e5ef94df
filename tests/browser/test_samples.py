"""One click from an empty page to a result, with the samples that ship."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from core import samples
from tests.browser.conftest import NewPage
from tests.browser.serving import ROOT, serve
from tests.browser.waiting import idle, wait_until

FILMS = [sample for sample in samples.every() if sample.modality == "chest film" and not sample.hard]
pytestmark = pytest.mark.skipif(not FILMS, reason="no samples ship with this checkout")


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


def strip(page: Page) -> Locator:
    return page.locator("[class*=st-key-samples-] button")


def pictured(button: Locator) -> bool:
    """Whether the button's picture has arrived."""
    return bool(button.locator("img").evaluate("image => image.complete && image.naturalWidth > 100"))


def test_a_link_to_a_page_with_a_sample_is_read_at_once_by_the_servers_first_visitor(page: Page):
    with serve(ROOT / "app.py") as url:
        page.goto(f"{url}/anomaly?sample={FILMS[0].path.name}")
        expect(page.locator(".opacity-verdict")).to_be_visible()
        expect(page.locator(".opacity-mark")).to_have_text("AI-generated example")
        assert page.url.startswith(f"{url}/anomaly?")
        assert f"sample={FILMS[0].path.name}" in page.url


def test_one_click_reads_a_sample_and_another_follows(page: Page, address: str):
    page.goto(address)
    wanted = page.get_by_role("button", name=re.compile("made as: bacterial")).first
    expect(wanted).to_contain_text("Synthetic")
    wait_until(page, lambda: pictured(wanted))
    wanted.click()
    expect(page.locator(".opacity-verdict")).to_be_visible()
    mark = page.locator(".st-key-sample-mark .opacity-line")
    expect(mark).to_contain_text("AI-generated example Made as: bacterial pneumonia")
    expect(strip(page)).to_have_count(0)

    page.get_by_role("button", name="Other samples").click()
    page.get_by_role("button", name=re.compile("made as: normal")).first.click()
    expect(mark).to_contain_text("Made as: normal")
    expect(strip(page)).to_have_count(0)
    page.get_by_role("link", name="Thresholds").click()
    expect(mark).to_be_visible()


def test_one_click_screens_them_all(page: Page, address: str):
    page.goto(f"{address}/screen")
    page.get_by_role("button", name=f"Read all {len(FILMS)} synthetic samples").click()
    expect(page.get_by_role("tab", name="How did it do")).to_be_visible()
    expect(page.get_by_text("not how good the model is")).to_be_visible()


@pytest.mark.parametrize("name", ["", "anomaly", "screen"])
def test_three_samples_stand_beside_each_other_on_a_phone(page: Page, address: str, name: str):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/{name}")
    pictures = page.locator("[class*=st-key-samples-] img, .opacity-samples img")
    expect(pictures.nth(3)).to_be_visible()
    page.wait_for_load_state("networkidle")
    idle(page)
    at_once = "all => all.slice(0, 4).map(one => Math.round(one.getBoundingClientRect().top))"
    tops = pictures.evaluate_all(at_once)  # one by one, the page may move in between
    assert tops[0] == tops[1] == tops[2] < tops[3]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
