"""Photograph every page for the README: python -m tests.browser.screenshots [FOLDER]

The film is drawn, so the pictures show nobody.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.serving import ROOT, serve
from tests.phantom import chest, png

PAGES = ("Diagnose", "Anomaly", "Thresholds", "Neighbours", "Screen", "Models")
SIZES = {"": (1440, 900), "-phone": (390, 844)}


def photograph(browser: Browser, url: str, theme: str, size: str, folder: Path) -> None:
    """All pages in one theme and size, after a film was read."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    page.set_default_timeout(90_000)
    page.goto(url)
    page.wait_for_selector("input[type=file]", state="attached")
    film = {"name": "drawn-film.png", "mimeType": "image/png", "buffer": png(chest(448, opacity=0.4))}
    page.set_input_files("input[type=file]", [film])
    page.wait_for_selector(".opacity-verdict")
    for name in PAGES:
        if name != PAGES[0]:
            if page.get_by_test_id("stExpandSidebarButton").is_visible():  # folded, as on a phone
                page.get_by_test_id("stExpandSidebarButton").click()
                page.wait_for_timeout(800)
            page.get_by_role("link", name=name).click()
            if size:
                page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
        page.wait_for_timeout(6000)
        page.screenshot(path=folder / f"{name.lower()}-{theme}{size}.png")
    page.close()


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    with serve(ROOT / "app.py") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for theme in ("dark", "light"):
            for size in SIZES:
                photograph(browser, url, theme, size, folder)


if __name__ == "__main__":
    main()
