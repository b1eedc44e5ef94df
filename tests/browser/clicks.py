"""Real clicks of a hand, counted by the page itself: also those that no test knows of."""

from playwright.sync_api import Page

# a click that a script made is no click; sessionStorage outlives a change of the address
COUNT = """document.addEventListener("click", (event) => {
    if (event.isTrusted) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true)"""


def count(page: Page) -> None:
    """From the next address on."""
    page.add_init_script(COUNT)


def counted(page: Page) -> int:
    """How many there were."""
    return int(page.evaluate("Number(sessionStorage.clicks || 0)"))
