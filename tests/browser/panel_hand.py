"""What a hand does at the threshold panel, and what an eye reads off it."""

import re
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from tests.browser.waiting import drawn, frames_sent, idle, wait_until


class Panel:
    """One opened page, and every frame that it has sent."""

    def __init__(self, page: Page, address: str, **query: str) -> None:
        self.page, self.sent = page, frames_sent(page)
        self.failures: list[str] = []
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.goto(f"{address}?{urlencode(query)}")
        expect(page.locator(".threshold-panel .big data")).not_to_be_empty()
        self.settle()

    def settle(self) -> None:
        """Wait until the server has said the threshold that is shown, and has nothing left to do."""
        drawn(self.page)
        wait_until(self.page, lambda: self.heard == self.threshold)
        idle(self.page)

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

    @property
    def heard(self) -> float:
        """The threshold that the server knows."""
        return float(self.server().split()[1])

    def server(self) -> str:
        return self.page.get_by_text(re.compile("^Server:")).inner_text()

    def go(self, threshold: float) -> None:
        """Let the page, not the hand, set the threshold."""
        field = self.page.get_by_label("Go to")
        field.fill(repr(threshold))
        field.press("Enter")
        expect(self.page.locator(".big data")).to_have_attribute("value", re.compile(f"^{threshold:.15g}$"))
