"""The first screen and the desk around the picture: what only a browser shows."""

import re

import pytest
from playwright.sync_api import Page, expect

from core import samples
from tests.browser.conftest import NewPage
from tests.browser.waiting import idle, wait_until
from tests.phantoms.chest import chest, png

PHONE = {"width": 390, "height": 844}
pytestmark = pytest.mark.skipif(not samples.every(), reason="no samples ship with this checkout")
# drops a file of these bytes onto the middle of the page, as a hand would
DROP = """([bytes, name]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    const event = { dataTransfer: carried, bubbles: true, cancelable: true };
    for (const kind of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(kind, event));
}"""


def top(page: Page, place: str) -> float:
    return page.locator(place).first.evaluate("one => one.getBoundingClientRect().top")


def upload(page: Page, name: str, seed: int) -> None:
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": png(chest(seed=seed))}]
    )


def shown(page: Page) -> list[str]:
    return page.get_by_label("Shown").evaluate_all("all => all.map(input => input.value)")


def test_the_first_screen_is_a_result_and_a_film_may_be_dropped_anywhere(new_page: NewPage, address: str):
    page = new_page()
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("What is it, and why?")
    expect(page.locator(".stMain [data-testid=stFileUploaderDropzone] button")).to_be_visible()
    expect(page.get_by_role("heading", level=2, name=re.compile("Suspicious|Below"))).to_be_visible()
    expect(page.locator(".opacity-steps li")).to_have_count(3)
    idle(page)
    page.evaluate(DROP, [list(png(chest(seed=7))), "dropped.png"])
    wait_until(page, lambda: shown(page) == ["dropped.png"])
    expect(page.locator(".opacity-steps")).to_have_count(0)
    expect(page.locator(".opacity-verdict")).to_be_visible()


def test_the_tour_is_taken_once(new_page: NewPage, address: str):
    page = new_page()
    page.goto(address)
    for step in ("1 of 4", "2 of 4", "3 of 4"):
        expect(page.get_by_text(step)).to_be_visible()
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Take the tour")).to_be_visible()
    page.goto(address)
    expect(page.get_by_role("button", name="Take the tour")).to_be_visible()
    page.get_by_role("button", name="Take the tour").click()
    page.get_by_role("button", name="Skip the tour").click()
    expect(page.get_by_role("button", name="Take the tour")).to_be_visible()


def test_on_a_phone_the_verdict_comes_first_and_the_drawer_closes_itself(new_page: NewPage, address: str):
    page = new_page(viewport=PHONE)
    page.goto(f"{address}/?sample=chest-normal-1.png")
    expect(page.locator("canvas.picture")).to_be_visible()
    idle(page)
    assert top(page, ".opacity-title") < top(page, ".opacity-verdict") < top(page, "canvas.picture")
    drawer = page.get_by_test_id("stSidebar")
    for move in (
        lambda: page.get_by_role("link", name="Anomaly").click(),
        lambda: upload(page, "mine.png", 3),
    ):
        page.get_by_test_id("stExpandSidebarButton").click()
        expect(drawer).to_have_attribute("data-collapsed", "false")
        idle(page)
        move()
        expect(drawer).to_have_attribute("data-collapsed", "true")


def test_the_picture_stays_in_sight_while_the_column_beside_it_scrolls(new_page: NewPage, address: str):
    page = new_page()
    page.goto(f"{address}/?sample=chest-normal-1.png")
    expect(page.locator("canvas.picture")).to_be_visible()
    idle(page)
    page.locator(".stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    wait_until(page, lambda: top(page, ".opacity-verdict") < 0)
    assert 0 < top(page, "canvas.picture") < 200


def test_arrow_keys_go_through_the_filmstrip(new_page: NewPage, address: str):
    page = new_page()
    page.goto(f"{address}/?sample=chest-normal-1.png")
    expect(page.locator(".opacity-verdict")).to_be_visible()
    upload(page, "mine.png", 3)
    wait_until(page, lambda: shown(page) == ["mine.png"])
    expect(page.locator(".st-key-filmstrip [class*=st-key-film-] button")).to_have_count(2)
    page.locator("body").press("ArrowLeft")  # at once, while the marks still arrive
    wait_until(page, lambda: shown(page) == ["Synthetic chest-normal-1.png"])
    page.locator("body").press("ArrowRight")
    wait_until(page, lambda: shown(page) == ["mine.png"])
