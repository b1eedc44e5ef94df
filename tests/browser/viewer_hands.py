"""What a hand and an eye do at the scan viewer: press, turn, drag, read colours off the picture."""

import io
import re
import urllib.request

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

from tests.browser.waiting import drawn

HEAR_WHEEL = """() => {
    window.turned = false;
    window.addEventListener("wheel", () => { window.turned = true; }, { capture: true, once: true });
}"""
FILM = (1000, 900)  # width, height of the drawn film


def stage(page: Page) -> Locator:
    return page.locator(".stage")


def press(page: Page, *keys: str) -> None:
    stage(page).focus()
    for key in keys:
        page.keyboard.press(key)
    drawn(page)


def pixels(page: Page) -> np.ndarray:
    """(H, W, 3), what the canvas shows."""
    address = page.locator("canvas.picture").evaluate("canvas => canvas.toDataURL('image/png')")
    with urllib.request.urlopen(address) as file:
        return np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB")).astype(int)


def colour_at(picture: np.ndarray, place: tuple[float, float], *, turned: bool = False) -> np.ndarray:
    """The mean colour of 5 x 5 pixels at a fraction of the film, which fits the canvas."""
    height, width = picture.shape[:2]
    across, down = FILM[::-1] if turned else FILM
    scale = min(width / across, height / down)
    x = round(width / 2 + (place[0] - 0.5) * across * scale)
    y = round(height / 2 + (place[1] - 0.5) * down * scale)
    return picture[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))


def colourfulness(colour: np.ndarray) -> float:
    return float(colour.max() - colour.min())


def status(page: Page) -> str:
    return page.locator(".status").inner_text()


def zoom(page: Page) -> float:
    return float(re.search(r"Zoom ([\d.]+)", status(page))[1])


def choose_layers(page: Page, name: str) -> None:
    page.get_by_test_id("stSelectbox").click()
    page.get_by_role("option", name=name, exact=True).click()


def wheel(page: Page, amount: float) -> None:
    box = stage(page).bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6)
    page.evaluate(HEAR_WHEEL)
    page.mouse.wheel(0, amount)
    page.wait_for_function("() => window.turned")
    drawn(page)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the left button, between two fractions of a film that fits the stage."""
    box = stage(page).bounding_box()
    scale = min(box["width"] / FILM[0], box["height"] / FILM[1])
    points = [
        (
            box["x"] + box["width"] / 2 + (x - 0.5) * FILM[0] * scale,
            box["y"] + box["height"] / 2 + (y - 0.5) * FILM[1] * scale,
        )
        for x, y in (start, end)
    ]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=3)
    page.mouse.up()
    drawn(page)


def set_slider(page: Page, name: str, value: int) -> None:
    page.locator(f'input[data-name="{name}"]').fill(str(value))
    drawn(page)
