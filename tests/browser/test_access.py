"""Every page can be used without a mouse, without colour and without eyes: as far as axe-core can tell."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.serving import ROOT
from tests.browser.waiting import idle

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PAGES = ("", "anomaly", "thresholds", "neighbours", "screen", "models", "samples")
SERIOUS = ("serious", "critical")
pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core (npm ci)")


def violations(page: Page) -> list[str]:
    """What axe-core holds for serious, with the first places of each."""
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes'][:5]]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_has_a_serious_fault(new_page: NewPage, address: str, theme: str):
    page = new_page(color_scheme=theme)
    faults = {}
    for name in PAGES:
        page.goto(f"{address}/{name}?sample=chest-bacterial-1.png")
        expect(page.get_by_text("not for clinical use")).to_be_visible()
        page.wait_for_load_state("networkidle")  # what a page shows brings scripts of its own
        idle(page)
        page.add_script_tag(content=AXE.read_text("utf-8"))
        expect(page.locator("h1")).to_have_count(1)
        if found := violations(page):
            faults[name] = found
    assert not faults
