"""Another language in a browser: asked for by the address, guessed from the browser, chosen by hand."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.serving import ROOT, serve


def test_a_servers_first_visitor_gets_the_language_of_the_link(new_page: NewPage):
    with serve(ROOT / "app.py") as url:
        page = new_page(locale="en-GB")
        page.goto(f"{url}/thresholds?lang=de")
        expect(page.locator(".threshold-panel")).to_contain_text("Konfusionsmatrix")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.get_by_test_id("stSidebarNavLink").first).to_have_text("Diagnose")
        expect(page.get_by_test_id("stSidebarNavLink").nth(2)).to_have_text("Schwellenwerte")


def test_a_german_browser_is_answered_in_german_until_another_language_is_chosen(
    address: str, new_page: NewPage
):
    page = new_page(locale="de-DE")
    page.goto(f"{address}/thresholds")
    panel = page.locator(".threshold-panel")
    expect(panel).to_contain_text("Konfusionsmatrix")
    page.locator(".st-key-language").get_by_text("English").click()
    expect(panel).to_contain_text("Confusion matrix")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_url(re.compile("lang=en"))
