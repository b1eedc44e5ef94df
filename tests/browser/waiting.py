"""Wait for a state of the page, never for a time: a busy machine is slow and right."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

SLOW = 240_000  # milliseconds, for whatever a page may wait: the first reading loads torch
LOOK = 50  # milliseconds from one look to the next


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Look again and again until it holds; events of the page arrive in between."""
    until = time.monotonic() + SLOW / 1000
    while not holds():
        assert time.monotonic() < until, f"still not so: {holds.__qualname__}"
        page.wait_for_timeout(LOOK)


def drawn(page: Page) -> None:
    """Two frames on: what was asked of the page has been drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def idle(page: Page) -> None:
    """The server has run the page's script to its end, and what it sent is drawn."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    drawn(page)


def frames_sent(page: Page) -> list[bytes | str]:
    """A list that grows with every frame which the page sends; ask before it opens."""
    sent: list[bytes | str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    return sent
