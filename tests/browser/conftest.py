"""One real browser and one server of the app for all tests that need none of their own."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.serving import ROOT, serve
from tests.browser.waiting import SLOW

CHROMIUM = shutil.which("chromium")
NewPage = Callable[..., Page]
Settings = dict[str, Any]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs chromium (apt-get install chromium)")
    expect.set_options(timeout=SLOW)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def left_pages(browser: Browser) -> dict[str, list[Page]]:  # noqa: ARG001  they close with it
    """Pages that no test uses now, by the settings of their context."""
    return {}


@pytest.fixture
def new_page(browser: Browser, left_pages: dict[str, list[Page]]) -> Iterator[NewPage]:
    """new_page(**settings of the context) -> an empty page of somebody new, who may wait long.

    A page that another test has left is handed on, emptied: its process has compiled the app's code already.
    """
    given: list[tuple[Settings, Page]] = []

    def opened(**changes) -> Page:
        settings = {"viewport": {"width": 1440, "height": 900}} | changes
        left = left_pages.setdefault(repr(settings), [])
        given.append((settings, left.pop() if left else fresh(browser, settings)))
        return given[-1][1]

    yield opened
    for settings, page in given:
        if not page.is_closed():
            _empty(page, settings)
            left_pages[repr(settings)].append(page)


def fresh(browser: Browser, settings: Settings) -> Page:
    """An empty page of its own context, which may wait long."""
    context = browser.new_context(**settings)
    context.set_default_timeout(SLOW)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def _empty(page: Page, settings: Settings) -> None:
    """Nothing of the visitor stays: address, storage, cookies, and how the page was looked at."""
    if page.url.startswith("http"):
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    page.goto("about:blank")
    page.context.clear_cookies()
    page.set_viewport_size(settings["viewport"])
    page.emulate_media(reduced_motion=settings.get("reduced_motion", "no-preference"))


@pytest.fixture(scope="package")
def address(browser: Browser) -> Iterator[str]:  # noqa: ARG001  no server where there is no browser
    """Where the app is served."""
    with serve(ROOT / "app.py") as url:
        yield url
