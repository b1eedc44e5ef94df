"""The main job, as a person does it: real server, real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from core import samples
from tests.browser.conftest import NewPage
from tests.browser.waiting import frames_sent, idle, wait_until
from tests.phantoms.chest import chest, png


@pytest.fixture
def page(new_page: NewPage, address: str) -> Page:
    page = new_page()
    page.sent = frames_sent(page)
    page.goto(address)
    return page


def upload(page: Page, name: str, content: bytes) -> None:
    idle(page)  # Streamlit 1.67 can lose a file that meets a run of the page
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content}]
    )


def verdict(page: Page, of: str = "") -> str:
    """What the page says, once it shows that film; the sample that it opened with makes way for it."""
    if of:
        shown = page.locator('input[aria-label="Shown"]').first  # while the page changes there are two
        expect(shown).to_have_value(of)
        idle(page)
    line = page.locator(".opacity-verdict")
    expect(line).to_be_visible()
    return line.inner_text()


def colourful(page: Page) -> float:
    """Share of the largest canvas' pixels that are not grey."""
    return page.evaluate(
        """() => {
            const hosts = [...document.querySelectorAll("*")].filter(element => element.shadowRoot);
            const roots = [document, ...hosts.map(host => host.shadowRoot)];
            const all = roots.flatMap(root => [...root.querySelectorAll('canvas')]);
            const canvas = all.sort((a, b) => b.width * b.height - a.width * a.height)[0];
            if (!canvas || !canvas.width) return 0;
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            let count = 0;
            for (let i = 0; i < pixels.length; i += 4)
                count += Math.abs(pixels[i] - pixels[i + 2]) > 20;
            return count / (pixels.length / 4);
        }"""
    )


def test_upload_verdict_evidence_threshold(page: Page):
    ill = next(each for each in samples.every() if "bacterial-2" in each.name)  # the app opens with 1
    upload(page, "film.png", samples.read(ill))
    first = verdict(page, "film.png")
    assert re.fullmatch(r"(Suspicious|Below threshold) for pneumonia", first)
    expect(page.get_by_text("normal test films")).to_be_visible()
    wait_until(page, lambda: colourful(page) > 0.01)

    page.get_by_role("link", name="Thresholds").click()
    line = page.get_by_role("slider", name=re.compile("threshold", re.I)).first
    expect(line).to_be_visible()
    idle(page)
    before, heard = line.get_attribute("aria-valuetext"), len(page.sent)
    line.press("End" if first.startswith("Suspicious") else "Home")
    expect(line).not_to_have_attribute("aria-valuetext", before)
    wait_until(page, lambda: len(page.sent) > heard)
    idle(page)

    page.get_by_role("link", name="Diagnose").click()
    expect(page.locator(".opacity-verdict")).not_to_have_text(first)


def test_a_threshold_holds_though_the_page_is_left_at_once(page: Page):
    ill = next(each for each in samples.every() if "bacterial-2" in each.name)  # the app opens with 1
    upload(page, "film.png", samples.read(ill))
    first = verdict(page, "film.png")
    page.get_by_role("link", name="Thresholds").click()
    line = page.get_by_role("slider", name=re.compile("threshold", re.I)).first
    expect(line).to_be_visible()
    idle(page)
    link = page.get_by_role("link", name="Diagnose")
    heard = len(page.sent)
    line.press("End" if first.startswith("Suspicious") else "Home")
    wait_until(page, lambda: len(page.sent) > heard)
    link.click()  # before the server has run the page
    expect(page.locator(".opacity-verdict")).not_to_have_text(first)


def test_a_bad_file_gives_one_sentence_and_the_session_goes_on(page: Page):
    upload(page, "film.png", png(chest()))
    before = verdict(page, "film.png")
    upload(page, "broken.png", b"not a picture")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("broken.png")
    assert "Traceback" not in alert.inner_text()
    assert verdict(page) == before


def test_two_people_at_once_get_each_their_own_scan(new_page: NewPage, address: str):
    pages = [new_page() for _ in range(2)]
    for number, page in enumerate(pages):
        page.goto(address)
        upload(page, f"mine-{number}.png", png(chest(seed=number)))
    for number, page in enumerate(pages):
        verdict(page, f"mine-{number}.png")
        shown = page.locator(".stSidebar input").evaluate_all("all => all.map(input => input.value)")
        assert f"mine-{number}.png" in shown
        assert f"mine-{1 - number}.png" not in page.content()


@pytest.mark.parametrize("name", ["Diagnose", "Anomaly", "Thresholds", "Screen", "Models", "Samples"])
def test_nothing_overflows_on_a_phone(new_page: NewPage, address: str, name: str):
    page = new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/{'' if name == 'Diagnose' else name.lower()}")
    expect(page.get_by_text("not for clinical use")).to_be_visible()
    page.wait_for_load_state("networkidle")  # what a page shows brings scripts of its own
    idle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_picture_named_with_markup_stays_a_name(page: Page):
    upload(page, '<img src=x onerror="document.title=1">.png', png(chest()))
    verdict(page)
    assert page.title() != "1"
    assert page.locator("img[src=x]").count() == 0
