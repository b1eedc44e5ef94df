"""One real browser and one server of the app for all tests that need none of their own."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.serving import ROOT, serve
from tests.browser.waiting import SLOW

CHROMIUM = shutil.which("chromium")
NewPage = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs chromium (apt-get install chromium)")
    expect.set_options(timeout=SLOW)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """new_page(**settings of the context) -> an empty page of somebody new, who may wait long."""
    contexts: list[BrowserContext] = []

    def opened(**settings) -> Page:
        contexts.append(browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | settings))
        contexts[-1].set_default_timeout(SLOW)
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def address(browser: Browser) -> Iterator[str]:  # noqa: ARG001  no server where there is no browser
    """Where the app is served."""
    with serve(ROOT / "app.py") as url:
        yield url
