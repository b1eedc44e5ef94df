"""How fluid the threshold panel is under the hand: python -m benchmarks.panel

Drags each of its lines to and fro over 10,000 made-up scores, counts how often a second the figures
follow, and writes its part of docs/benchmarks.md. Needs requirements-dev.txt and Chromium.
"""

import argparse
import shutil
import tempfile
import time

from playwright.sync_api import Page, sync_playwright

from benchmarks import sections
from benchmarks.soak import served

HEADING = "Threshold panel"
SCRIPT = "tests/phantoms/threshold_panel.py"
LINES = {
    "histogram": "Threshold on the score",
    "ROC": "Operating point on the ROC curve, by sensitivity",
    "precision-recall": "Operating point on the Precision-recall curve, by sensitivity",
}
STEP, REACH = 5, 60  # pixels
WANTED = 30  # a second
NOTE_UPDATES = """shown => {
    window.updates = [];
    new MutationObserver(() => window.updates.push(performance.now()))
        .observe(shown, { attributes: true, attributeFilter: ["value"] });
}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="of dragging, for each line")
    seconds = parser.parse_args().seconds
    with (
        tempfile.TemporaryFile("w+") as log,
        served(log, SCRIPT) as (address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}?size=large")
        shown = page.locator(".threshold-panel .big data[value]")
        shown.wait_for()
        shown.evaluate(NOTE_UPDATES)
        rates = {name: rate(page, label, seconds) for name, label in LINES.items()}
        browser.close()
    lines = report(rates, seconds)
    print("\n".join(lines))
    sections.write(HEADING, lines)
    return int(min(rates.values()) < WANTED)


def rate(page: Page, label: str, seconds: float) -> float:
    """Updates of the figures a second, while the line is dragged to and fro."""
    box = page.get_by_role("slider", name=label, exact=True).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate("window.updates.length = 0")
    page.mouse.move(x, y)
    page.mouse.down()
    until, step = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        step += 1
        there = abs((STEP * step) % (4 * REACH) - 2 * REACH) - REACH
        page.mouse.move(x + there, y + there / 2)
    times: list[float] = page.evaluate("window.updates")
    page.mouse.up()
    return (len(times) - 1) / (times[-1] - times[0]) * 1000


def report(rates: dict[str, float], seconds: float) -> list[str]:
    """The table as lines of Markdown."""
    return [
        f"10,000 scores, {seconds:.0f} s of dragging each line to and fro, {STEP} px at a time, in Chromium "
        f"on {sections.processor()}. Made by `python -m benchmarks.panel`.",
        "",
        "| Dragged | Updates a second | Wanted |",
        "|---|---|---|",
        *(f"| {name} | {updates:.0f} | {WANTED} |" for name, updates in rates.items()),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
