"""What the server weighs after each page: python -m benchmarks.memory [--films 24 --side 2800]

One person opens every page once with a sample on screen, then drops large films. Prints the megabytes that
stay resident, decoders apart.
"""

import argparse
import asyncio
import shutil
import tempfile
from typing import IO

import numpy as np
from playwright.async_api import FilePayload, Page, async_playwright

from benchmarks.soak import UPLOADER, children, opened, resident, served, settled
from tests.phantoms.chest import chest, png

PAGES = ("Anomaly", "Thresholds", "Neighbours", "Screen", "Models", "Samples", "Diagnose")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument("--side", type=int, default=2800, help="of the large films, pixels")
    options = parser.parse_args()
    with tempfile.TemporaryFile("w+") as log:
        asyncio.run(walk(log, options.films, options.side))


async def walk(log: IO[str], films: int, side: int) -> None:
    with served(log) as (address, server):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = await opened(browser, address)
            say("opened", server)
            await drop(page, [FilePayload(name="small.png", mimeType="image/png", buffer=png(chest()))])
            say("Diagnose", server)
            for name in PAGES:
                await page.get_by_role("link", name=name).first.click()
                await settled(page)
                say(name, server)
            await drop(page, [large(number, side) for number in range(films)])
            say(f"{films} films of {side} x {side}", server)
            await browser.close()


async def drop(page: Page, files: list[FilePayload]) -> None:
    await page.locator(UPLOADER).set_input_files(files)
    name = files[0]["name"]
    await page.wait_for_function(
        "name => document.querySelector('input[aria-label=\"Shown\"]')?.value === name", arg=name
    )
    await settled(page)


def large(number: int, side: int) -> FilePayload:
    film = np.kron(chest(seed=number), np.ones((side // 224 + 1,) * 2, np.float32))[:side, :side]
    return FilePayload(name=f"{number}.png", mimeType="image/png", buffer=png(film))


def say(what: str, server: int) -> None:
    decoders = sum(map(resident, children(server)))
    print(f"{what:32} {resident(server):6.0f} MB, decoders {decoders:5.0f} MB", flush=True)


if __name__ == "__main__":
    main()
