"""Photograph every page for the README: python -m tests.browser.screenshots [FOLDER]

They show synthetic samples, so they show nobody.
"""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from core import samples
from tests.browser.serving import ROOT, serve
from tests.browser.waiting import SLOW, idle

# each page, and what stands on it last
PAGES = {
    "Diagnose": "canvas.picture",
    "Anomaly": "canvas.picture",
    "Thresholds": ".threshold-panel svg",
    "Neighbours": ".js-plotly-plot",
    "Screen": "[role=tab]:has-text('How did it do')",
    "Models": "h2:has-text('Your models')",
    "Samples": "h2:has-text('How real they are')",
}
SIZES = {"": (1440, 900), "-phone": (390, 844)}


def photograph(browser: Browser, url: str, theme: str, size: str, folder: Path) -> None:
    """The first opening, then all pages with a sample, in one theme and size."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.set_default_timeout(300_000)  # a busy machine takes its time over the first reading
    page.goto(url)
    sample = page.get_by_role("button", name=re.compile("made as: bacterial")).first
    sample.wait_for()
    idle(page)
    _hide_real(page)
    page.screenshot(path=folder / f"opening-{theme}{size}.png")
    sample.click()
    for name, last in PAGES.items():
        if name != "Diagnose":
            if page.get_by_test_id("stExpandSidebarButton").is_visible():  # folded, as on a phone
                page.get_by_test_id("stExpandSidebarButton").click()
            page.get_by_role("link", name=name).click()
        if name == "Screen":
            page.get_by_role("button", name=re.compile("Read all")).click()
        page.locator(last).first.wait_for()
        idle(page)
        _hide_real(page)
        page.screenshot(path=folder / f"{name.lower()}-{theme}{size}.png")
    page.close()


def _hide_real(page: Page) -> None:
    """A picture that travels carries nobody's film."""
    for real in page.locator("button, figure").filter(has_text="a public film").all():
        real.evaluate("shown => shown.remove()")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    if not samples.every():
        raise SystemExit(f"There are no samples to show. Make them with: {samples.COMMAND}")
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=SLOW)
    with serve(ROOT / "app.py") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for theme in ("dark", "light"):
            for size in SIZES:
                photograph(browser, url, theme, size, folder)


if __name__ == "__main__":
    main()
