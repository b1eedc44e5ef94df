"""The very first visitor of a server may come by a page's own address."""

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.serving import ROOT, serve

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def test_the_first_visitor_gets_the_page_asked_for_in_the_apps_frame():
    with serve(ROOT / "app.py") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/models?theme=x")
        expect(page.get_by_text("Use and limits")).to_be_visible(timeout=60_000)
        names = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
        assert names == ["Diagnose", "Anomaly", "Thresholds", "Neighbours", "Screen", "Models"]
        assert page.url == f"{url}/models?theme=x"
        browser.close()
