"""Many people at once, against the real server: python -m benchmarks.soak --users 10 --actions 50

Each user has films that nobody else has. What the viewer draws for them, heat map included, is compared to
the byte with what one user alone was shown. Every so often a decoder is killed at work. Prints verdict
times, memory, errors in the log; ends with 1 if anything was wrong.
"""

import argparse
import asyncio
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from playwright.async_api import Browser, FilePayload, Page, async_playwright
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as TooSlow

from tests.phantoms.chest import chest, png

ROOT = Path(__file__).resolve().parent.parent
FILMS = 2  # of each user
SLOW = 120_000  # milliseconds
UPLOADER = "input[type=file]"
ERRORS = re.compile(r"^\w+(Error|Exception|Weights|Image|Scan|Name)\b|\bERROR\b|Uncaught")
LARGEST_CANVAS = """() => {
    const hosts = [...document.querySelectorAll("*")].filter(element => element.shadowRoot);
    const all = [document, ...hosts.map(host => host.shadowRoot)].flatMap(
        root => [...root.querySelectorAll("canvas")]);
    const canvas = all.sort((a, b) => b.width * b.height - a.width * a.height)[0];
    return canvas && canvas.width ? canvas.toDataURL() : "";
}"""

ARRIVED = """name => {
    const alerts = [...document.querySelectorAll('[role="alert"]')].map(alert => alert.innerText);
    if (alerts.some(text => text.includes(name) && text.includes("decoder stop"))) return "lost";
    const shown = document.querySelector('input[aria-label="Shown"]');
    return shown && shown.value === name && document.querySelector(".opacity-verdict") ? "read" : "";
}"""
NAMES = """() => {
    const typed = [...document.querySelectorAll("input")].map(input => input.value);
    return [document.body.innerText, ...typed].join(" ");
}"""


@dataclass
class Tally:
    """What happened, over all users."""

    actions: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lost: int = 0
    kills: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--actions", type=int, default=50, help="of each user")
    parser.add_argument("--minutes", type=float, default=20, help="then everybody stops")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryFile("w+") as log, served(log) as (address, server):
        asyncio.run(soak(address, server, options, tally))
        log.seek(0)
        errors = [line.strip() for line in log if ERRORS.search(line)]
    return announce(tally, errors, options)


async def soak(address: str, server: int, options: argparse.Namespace, tally: Tally) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        expected = await alone(browser, address, options.users)
        until = time.monotonic() + 60 * options.minutes
        watch = asyncio.create_task(watching(server, tally, random.Random(options.seed)))
        await asyncio.gather(
            *(User(browser, address, n, expected, tally, options, until).work() for n in range(options.users))
        )
        watch.cancel()
        await browser.close()


def film(user: int, number: int) -> tuple[str, bytes]:
    return f"user-{user}-{number}.png", png(chest(opacity=0.1 * number, seed=10 * user + number))


async def alone(browser: Browser, address: str, users: int) -> dict[str, str]:
    """What one user alone is shown for every film, by the file's name."""
    seen: dict[str, str] = {}
    for user in range(users):
        page = await opened(browser, address)
        for number in range(FILMS):
            name, data = film(user, number)
            await upload(page, name, data)
            seen[name] = await picture(page, "")
        await page.context.close()
    if len(set(seen.values())) != len(seen):
        raise SystemExit("Two films look alike in the viewer: nothing could be told apart.")
    return seen


async def opened(browser: Browser, address: str) -> Page:
    context = await browser.new_context(viewport={"width": 1200, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(SLOW)
    await page.goto(address)
    await page.get_by_text("not for clinical use").wait_for()
    return page


async def settled(page: Page) -> None:
    """Wait as a person does, until the page stops working."""
    await page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    await asyncio.sleep(1)  # a click is on its way before the page says that it works
    await page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


async def upload(page: Page, name: str, data: bytes) -> str:
    """Send a file and wait for its verdict; gives "read" or, if its decoder was killed, "lost"."""
    await send(page, name, data)
    outcome = await page.wait_for_function(ARRIVED, arg=name)
    return str(await outcome.json_value())


async def send(page: Page, name: str, data: bytes) -> None:
    """Drop a file, and touch nothing until the server has it and the page stops working.

    Streamlit 1.67 loses what meets an upload under way: a click on another page is overtaken by the run that
    the upload ends with, and a second file's address is thrown away when that run begins.
    """
    payload = FilePayload(name=name, mimeType="image/png", buffer=data)
    async with page.expect_response(lambda response: response.request.method == "PUT"):
        await page.locator(UPLOADER).set_input_files([payload])
    await settled(page)


async def picture(page: Page, wanted: str, seconds: float = 60) -> str:
    """Digest of what the viewer draws: once it is the wanted one, or stays the same for two seconds."""
    last, since, until = "", time.monotonic(), time.monotonic() + seconds
    while time.monotonic() < until:
        drawn = await page.evaluate(LARGEST_CANVAS)
        digest = hashlib.sha256(drawn.encode()).hexdigest() if drawn else ""
        if digest and digest == wanted:
            return digest
        if digest != last:
            last, since = digest, time.monotonic()
        elif digest and not wanted and time.monotonic() - since > 2:
            return digest
        await asyncio.sleep(0.25)
    return last


@dataclass
class User:
    """One person with one browser window and films of their own."""

    browser: Browser
    address: str
    number: int
    expected: dict[str, str]
    tally: Tally
    options: argparse.Namespace
    until: float

    async def work(self) -> None:
        dice = random.Random(1000 * self.options.seed + self.number)
        page = await opened(self.browser, self.address)
        await self.read(page, 0)
        for _ in range(self.options.actions - 1):
            if time.monotonic() > self.until:
                break
            action = dice.choice(("read", "read", "wander", "broken", "again", "forget"))
            try:
                await settled(page)
                await getattr(self, action)(page, dice.randrange(FILMS))
            except PlaywrightError as error:
                what = str(error).splitlines()[0]
                self.tally.wrong.append(f"user {self.number}: {action}: {what}")
                await page.context.close()
                page = await opened(self.browser, self.address)
            self.tally.actions[action] += 1
        await page.context.close()

    async def read(self, page: Page, number: int) -> None:
        """Upload a film, wait for the verdict, compare the picture to the byte."""
        name, data = film(self.number, number)
        fresh = name not in await page.evaluate(NAMES)
        start = time.monotonic()
        outcome = await upload(page, name, data)
        if outcome == "lost":
            self.tally.lost += 1
            return
        if await picture(page, self.expected[name]) != self.expected[name]:
            self.tally.wrong.append(f"user {self.number}: another picture than alone for {name}")
        if fresh:
            self.tally.seconds.append(time.monotonic() - start)
        text = await page.evaluate(NAMES)
        strangers = set(re.findall(r"user-(\d+)-\d", text)) - {str(self.number)}
        if strangers:
            self.tally.wrong.append(f"user {self.number}: sees films of {sorted(strangers)}")

    async def wander(self, page: Page, _: int) -> None:
        for name, path in (("Thresholds", "/thresholds"), ("Models", "/models"), ("Diagnose", "/")):
            await page.get_by_role("link", name=name).click()
            await page.wait_for_url(re.compile(rf"//[^/]+{path}(\?.*)?$"))
            await settled(page)

    async def broken(self, page: Page, _: int) -> None:
        name = f"user-{self.number}-9.png"
        await send(page, name, b"not a picture")
        await page.get_by_role("alert").filter(has_text=name).first.wait_for()

    async def again(self, page: Page, number: int) -> None:
        """A fresh window: another session of the same person."""
        await page.reload()
        await page.get_by_text("not for clinical use").first.wait_for()
        await settled(page)
        await self.read(page, number)

    async def forget(self, page: Page, number: int) -> None:
        button = page.get_by_role("button", name="Forget this scan")
        for _ in range(2 * FILMS):
            if await button.count():
                with suppress(TooSlow):  # gone meanwhile
                    await button.first.click(timeout=5000)
            await settled(page)
        await self.read(page, number)


async def watching(server: int, tally: Tally, dice: random.Random) -> None:
    """Note the memory of the server and its decoders; kill a decoder now and then."""
    start = time.monotonic()
    while True:
        decoders = children(server)
        tally.memory.append((time.monotonic() - start, sum(map(resident, [server, *decoders]))))
        if decoders and dice.random() < 0.05:
            os.kill(dice.choice(decoders), signal.SIGKILL)
            tally.kills += 1
        await asyncio.sleep(1)


def children(process: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,stat=", "--ppid", str(process)], capture_output=True, text=True
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "Z" not in line.split()[1]]


def resident(process: int) -> float:
    """Megabytes."""
    listed = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True)
    return int(listed.stdout.strip() or 0) / 1024


@contextmanager
def served(log: IO[str], script: str = "app.py") -> Iterator[tuple[str, int]]:
    """Run `streamlit run script` while the block lasts; gives its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=log, stderr=log) as server:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", server.pid
        finally:
            server.terminate()


def announce(tally: Tally, errors: list[str], options: argparse.Namespace) -> int:
    done = sum(tally.actions.values()) + options.users
    print(f"{options.users} users, {done} actions: {dict(tally.actions)}")
    if len(tally.seconds) > 1:
        cuts = statistics.quantiles(tally.seconds, n=20)
        figures = f"median {cuts[9]:.1f} s, p95 {cuts[18]:.1f} s, n {len(tally.seconds)}"
        print(f"verdict and heat map after upload: {figures}")
    thirds = [tally.memory[i * len(tally.memory) // 3 : (i + 1) * len(tally.memory) // 3] for i in range(3)]
    means = [statistics.mean(size for _, size in part) for part in thirds if part]
    print(f"memory by thirds of the time: {', '.join(f'{mean:.0f} MB' for mean in means)}")
    print(f"decoders killed: {tally.kills}, files lost by it: {tally.lost}")
    print(f"wrong: {len(tally.wrong)}, errors in the log: {len(errors)}")
    for line, times in Counter(
        re.sub(r"^[\d: .-]+", "", line) for line in [*tally.wrong, *errors]
    ).most_common(20):
        print(f"  {times} x {line}")
    return int(bool(tally.wrong or errors))


if __name__ == "__main__":
    raise SystemExit(main())
