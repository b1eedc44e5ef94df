"""What a hand does at the threshold panel, and what an eye reads off it."""

import re
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect


class Panel:
    """One opened page, and every frame that it has sent."""

    def __init__(self, page: Page, address: str, **query: str) -> None:
        self.page, self.sent = page, []
        self.failures: list[str] = []
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: self.sent.append(frame)))
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.goto(f"{address}?{urlencode(query)}")
        expect(page.locator(".threshold-panel .big data")).not_to_be_empty(timeout=60_000)
        self.settle()

    def settle(self) -> None:
        """Wait until the server has nothing left to do."""
        expect(self.page.get_by_test_id("stStatusWidget")).to_have_count(0)
        self.page.wait_for_timeout(300)

    @property
    def threshold(self) -> float:
        return float(self.page.locator(".big data").get_attribute("value"))

    def figure(self, name: str, layer: str) -> float | None:
        value = self.page.locator(f"[data-metric={name}][data-layer={layer}] data").get_attribute("value")
        return float(value) if value else None

    def count(self, kind: str) -> int:
        return int(self.page.locator(f"[data-count={kind}] .count").inner_text())

    def handle(self, label: str) -> Locator:
        return self.page.get_by_role("slider", name=label, exact=True)

    def server(self) -> str:
        return self.page.get_by_text(re.compile("^Server:")).inner_text()

    def go(self, threshold: float) -> None:
        """Let the page, not the hand, set the threshold."""
        field = self.page.get_by_label("Go to")
        field.fill(repr(threshold))
        field.press("Enter")
        expect(self.page.locator(".big data")).to_have_attribute("value", re.compile(f"^{threshold:.15g}$"))
