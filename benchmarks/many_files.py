"""Hundreds of files through page Screen, broken ones among them: python -m benchmarks.many_files

Prints the server's resident memory as the scans are judged, and writes it into docs/benchmarks.md. Ends with
1 when memory grows by more than GROWTH between the first tenth of the scans and the last.
"""

import argparse
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks import sections
from benchmarks.soak import served
from tests.phantoms.chest import chest, png

HEADING = "Many files"
GROWTH = 60  # MB
SLOW = 120_000  # milliseconds
DIFFERENT = 24  # drawn films; each file is given another brightness, so that none is the copy of another
PROGRESS = re.compile(r"(\d+) of \d+ scans")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    count = parser.parse_args().files
    with (
        tempfile.TemporaryDirectory() as scratch,
        tempfile.TemporaryFile("w+") as log,
        served(log) as (address, server),
        sync_playwright() as playwright,
    ):
        files = write_files(Path(scratch), count)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(SLOW)
        page.goto(f"{address}/screen")
        page.get_by_text("not for clinical use").wait_for()
        idle = resident(server)
        # no buffers: the browser reads the files itself
        page.locator("[data-testid=stMain] input[type=file]").first.set_input_files(files)
        curve = list(watched(page, server, count))
        shown = page.locator("[data-testid=stMain]").inner_text()
        browser.close()
        log.seek(0)
        errors = [line for line in log if "Traceback" in line or "Uncaught" in line]
    return announce(idle, curve, count, len(errors), "CSV" in shown)


def write_files(folder: Path, count: int) -> list[Path]:
    """Films of 224 and 1,400 pixels, and in every tenth place a file that cannot be read or judged."""
    films = [chest(opacity=0.02 * seed, seed=seed) for seed in range(DIFFERENT)]
    noise = np.random.default_rng(0).random((224, 224), dtype=np.float32)
    bad = [b"", b"not a picture", png(films[0])[:900], png(noise)]
    files: list[Path] = []
    for number in range(count):
        film = films[number % DIFFERENT] * (1 - number / (10 * count))
        if number % 10 == 9:
            content = bad[number // 10 % len(bad)]
        elif number % 10 == 4:
            large = Image.fromarray(film).resize((1400, 1400), Image.Resampling.BICUBIC)
            content = png(np.asarray(large).clip(0, 1))
        else:
            content = png(film)
        files.append(folder / f"film-{number:04}.png")
        files[-1].write_bytes(content)
    return files


def resident(process: int) -> float:
    """MB of memory that a process holds, its decoders left out: they are replaced."""
    text = Path(f"/proc/{process}/status").read_text("ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024  # type: ignore[index]


def watched(page: Page, server: int, count: int) -> Iterator[tuple[int, float]]:
    """(scans judged, MB) at every new figure of the progress line, until the worklist is there."""
    main, last = page.locator("[data-testid=stMain]"), -1
    until = time.monotonic() + 3600
    while time.monotonic() < until:
        text = main.inner_text()
        found = PROGRESS.search(text)
        if found and int(found[1]) != last:
            last = int(found[1])
            yield last, resident(server)
        elif "Open the selected scan" in text:
            yield count, resident(server)
            return
        time.sleep(0.5)
    raise SystemExit("The page does not come to an end.")


def announce(idle: float, curve: list[tuple[int, float]], count: int, errors: int, complete: bool) -> int:
    judging = [(done, size) for done, size in curve if done >= count // 10]
    growth = judging[-1][1] - judging[0][1]
    steps = {done * 10 // count: (done, size) for done, size in reversed(curve)}
    lines = [
        f"{count} files through page Screen on {sections.processor()}, every tenth broken or no chest film, "
        "every tenth of 1,400 pixels, the others of 224. Made by `python -m benchmarks.many_files`.",
        "",
        "| Scans judged | Resident memory of the server, MB |",
        "|---|---|",
        f"| before the upload | {idle:.0f} |",
        *(f"| {done} | {size:.0f} |" for _, (done, size) in sorted(steps.items())),
        "",
        f"Growth between {judging[0][0]} and {judging[-1][0]} scans: {growth:.0f} MB (at most {GROWTH} is "
        f"wanted). Errors in the server's log: {errors}.",
    ]
    print("\n".join(lines))
    sections.write(HEADING, lines)
    return int(growth > GROWTH or errors > 0 or not complete)


if __name__ == "__main__":
    raise SystemExit(main())
