"""What only a browser can show: keys, the question before leaving, a reload, a copied link."""

import io
import re

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.conftest import NewPage
from tests.browser.waiting import idle, wait_until
from tests.phantoms.chest import chest, png

SAMPLE = "chest-bacterial-1.png"


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(permissions=["clipboard-read", "clipboard-write"])


def open_rows(page: Page) -> list[str]:
    """The row of the open film."""
    rows = page.locator(".st-key-worklist button[kind=secondary]")
    expect(rows).to_have_count(1)
    return rows.all_inner_texts()


def listed(page: Page, address: str) -> None:
    page.goto(f"{address}/screen")
    films = [
        {"name": f"{k}.png", "mimeType": "image/png", "buffer": png(chest(seed=k, opacity=0.2 * k))}
        for k in range(3)
    ]
    page.locator("[data-testid=stMain] input[type=file]").first.set_input_files(films)
    expect(page.locator(".st-key-worklist button")).to_have_count(3)
    idle(page)


def test_keys_walk_the_list_and_mark_and_leaving_then_asks(page: Page, address: str):
    listed(page, address)
    first = open_rows(page)
    page.keyboard.press("j")
    wait_until(page, lambda: open_rows(page) != first)
    idle(page)
    page.keyboard.press("k")
    wait_until(page, lambda: open_rows(page) == first)
    idle(page)
    page.keyboard.press("a")
    expect(page.locator(".st-key-worklist button").first).to_contain_text("agreed")
    idle(page)
    # a key typed into the note is a letter
    before = open_rows(page)
    page.get_by_label("Note").first.fill("dja")
    page.get_by_label("Note").first.press("a")
    assert open_rows(page) == before
    page.get_by_label("Note").first.press("Enter")
    idle(page)
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("Use and limits")).to_be_visible()
    page.get_by_role("link", name="Screen").click()
    expect(page.locator(".st-key-worklist button").first).to_contain_text("agreed")
    with page.expect_event("dialog") as asked, page.expect_navigation():
        page.evaluate("() => void setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"
    idle(page)


def test_nothing_is_asked_where_nothing_would_be_lost(page: Page, address: str):
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(f"{address}/?sample={SAMPLE}")
    expect(page.locator(".opacity-verdict")).to_be_visible()
    page.get_by_text("Report", exact=True).click()  # a browser asks nobody who has touched nothing
    page.reload()
    expect(page.locator(".opacity-verdict")).to_be_visible()
    assert not asked


def test_a_reload_and_a_copied_link_keep_card_sample_and_threshold(page: Page, address: str):
    card = "pneumonia-all-ages-small"
    page.goto(f"{address}/?sample={SAMPLE}&card={card}&threshold=0.999")
    expect(page.get_by_text("threshold 1.00")).to_be_visible()
    idle(page)
    page.reload()
    expect(page.get_by_text("threshold 1.00")).to_be_visible()
    idle(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    for part in (f"sample={SAMPLE}", f"card={card}", "threshold=0.999"):
        assert part in link
    with page.expect_download() as download:
        page.get_by_role("button", name="PDF", exact=True).click()
    (paper,) = PdfReader(io.BytesIO(download.value.path().read_bytes())).pages
    assert re.search(r"chosen by hand.*not for clinical use", paper.extract_text(), re.DOTALL)
