"""The very first visitor of a server may come by a page's own address."""

from playwright.sync_api import expect

from tests.browser.conftest import NewPage
from tests.browser.serving import ROOT, serve


def test_the_first_visitor_gets_the_page_asked_for_in_the_apps_frame(new_page: NewPage):
    with serve(ROOT / "app.py") as url:
        page = new_page()
        page.goto(f"{url}/models?theme=x")
        expect(page.get_by_text("Use and limits")).to_be_visible()
        names = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
        assert names == ["Diagnose", "Anomaly", "Thresholds", "Neighbours", "Screen", "Models", "Samples"]
        assert page.url.startswith(f"{url}/models?theme=x")
