"""How long a stranger waits: python -m benchmarks.start [--turns 3]

Starts the server, opens the first page in a new browser, and notes when each thing stands on screen; then,
on a fresh server, the same for an uploaded film. At last, warm, what one change on Diagnose costs. Writes
its part of docs/benchmarks.md. Needs requirements-dev.txt and Chromium.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from playwright.sync_api import Browser, FilePayload, Locator, Page, sync_playwright

from benchmarks import sections
from benchmarks.soak import UPLOADER, served
from tests.phantoms.chest import chest, png

HEADING = "Start and changes"
SLOW = 240_000  # milliseconds
VERDICT = ".opacity-verdict"
PICTURE = "canvas.picture[aria-label]"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
PREVALENCES = range(21, 42)  # percent
Times = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3, help="fresh servers for each row")
    turns = parser.parse_args().turns
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        firsts = [from_start(browser, first_result) for _ in range(turns)]
        uploads = [from_start(browser, first_upload) for _ in range(turns)]
        changes = from_start(browser, warm_changes)
        del changes["server answers"]  # that counts from another start
        browser.close()
    lines = report([medians(firsts), medians(uploads)], changes, turns)
    print("\n".join(lines))
    sections.write(HEADING, lines)


def from_start(browser: Browser, watch: Callable[[Page, str, float], Times]) -> Times:
    """Start a server and a browser window of their own, and watch. Seconds count from the server's start."""
    with tempfile.TemporaryFile("w+") as log:
        started = time.monotonic()
        with served(log) as (address, _):
            context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
            context.set_default_timeout(SLOW)
            answered = time.monotonic() - started
            times = watch(context.new_page(), address, started)
            context.close()
    return {"server answers": answered, **times}


def first_result(page: Page, address: str, started: float) -> Times:
    """The landing page: its words, a verdict, the picture with its map, the end of all work.

    A page that opens without a verdict gets one click on its first sample.
    """
    page.goto(address)
    times = {"first words": seen(page.get_by_text("not for clinical use").first, started)}
    page.locator(f"{VERDICT}, button:has-text('made as'), {IDLE}").first.wait_for(state="attached")
    page.locator(f"{VERDICT}, {IDLE}").first.wait_for(state="attached")
    if not page.locator(VERDICT).count():
        page.locator("[data-testid=stMain] button").first.click()
    times["first verdict"] = seen(page.locator(VERDICT).first, started)
    times["picture and map"] = seen(page.locator(PICTURE).first, started)
    times["all done"] = seen(page.locator(IDLE), started)
    return times


def first_upload(page: Page, address: str, started: float) -> Times:
    """A film of one's own, dropped as soon as there is a place for it."""
    page.goto(address)
    place = page.locator(UPLOADER).first
    place.wait_for(state="attached")
    place.set_input_files([FilePayload(name="own.png", mimeType="image/png", buffer=png(chest(opacity=0.4)))])
    page.wait_for_function("() => document.querySelector('input[aria-label=\"Shown\"]')?.value === 'own.png'")
    return {"first verdict": seen(page.locator(VERDICT).first, started)}


def warm_changes(page: Page, address: str, started: float) -> Times:
    """Milliseconds from a choice to the end of the page's work, the median of many."""
    first_result(page, address, started)
    set_prevalence(page, PREVALENCES[0])
    return {"another prevalence": 1000 * statistics.median(set_prevalence(page, at) for at in PREVALENCES)}


def set_prevalence(page: Page, percent: int) -> float:
    """Seconds until the sentence under the verdict follows and the page stops working."""
    field = page.get_by_label("Prevalence where it is used, %")
    field.fill(str(percent))
    at = time.monotonic()
    field.press("Enter")
    page.get_by_text(f"at {percent}% prevalence").wait_for()
    page.locator(IDLE).wait_for()
    return time.monotonic() - at


def seen(what: Locator, started: float) -> float:
    what.wait_for(state="attached")
    return time.monotonic() - started


def medians(turns: list[Times]) -> Times:
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def report(rows: list[Times], changes: Times, turns: int) -> list[str]:
    """The tables as lines of Markdown."""
    first, upload = rows
    return [
        f"Seconds from the server's start, medians of {turns} fresh servers, Chromium on the same "
        f"{sections.processor()}, Python {sys.version.split()[0]}. Made by `python -m benchmarks.start`.",
        "",
        "| What stands on screen | Landing page | Uploaded film |",
        "|---|---|---|",
        *(
            f"| {name} | {seconds:.1f} | {f'{upload[name]:.1f}' if name in upload else '-'} |"
            for name, seconds in first.items()
        ),
        "",
        *(
            f"{name.capitalize()}, set on a warm page: {ms:.0f} ms until all of it follows."
            for name, ms in changes.items()
        ),
    ]


if __name__ == "__main__":
    main()
