"""The scan viewer, used in a real browser on a drawn film."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from pages.shared.scan_viewer import Layer, pack

ROOT = Path(__file__).parents[2]
DEMO = Path(__file__).with_name("viewer_demo.py")
FILM = (1000, 900)  # width, height of the drawn film
HOT, COLD = (0.3, 0.62), (0.72, 0.3)
CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (apt-get install chromium)")

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(DEMO), f"--server.port={port}"]
    command += ["--server.headless=true", "--server.address=127.0.0.1", "--browser.gatherUsageStats=false"]
    quiet = subprocess.DEVNULL
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                    break
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    time.sleep(0.25)
            yield address
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(url: str, browser: Browser) -> Iterator[Opener]:
    """opened(query, **context) -> a page whose picture is drawn; nothing may have gone wrong on it."""
    contexts, errors = [], []

    def open_page(query: str = "", **settings) -> Page:
        settings = {"viewport": {"width": 1200, "height": 1000}} | settings
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.sent = []
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: page.sent.append(frame)))
        page.goto(f"{url}/?{query}")
        page.wait_for_selector("canvas.picture[aria-label]", timeout=60_000)
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def settle(page: Page) -> None:
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def stage(page: Page) -> Locator:
    return page.locator(".stage")


def press(page: Page, *keys: str) -> None:
    stage(page).focus()
    for key in keys:
        page.keyboard.press(key)
    settle(page)


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
    page.mouse.wheel(0, amount)
    page.wait_for_timeout(100)


def set_slider(page: Page, name: str, value: int) -> None:
    page.locator(f'input[data-name="{name}"]').fill(str(value))
    settle(page)


@needs_browser
def test_heat_colours_the_hot_place_and_leaves_the_cold_one_grey(opened):
    picture = pixels(opened())
    assert picture.std() > 20
    assert colourfulness(colour_at(picture, HOT)) > 40
    assert colourfulness(colour_at(picture, COLD)) < 2


@needs_browser
def test_no_opacity_is_the_plain_film(opened):
    page = opened()
    set_slider(page, "opacity", 0)
    faint = pixels(page)[40:]  # below the pane's name
    press(page, "1")
    np.testing.assert_array_equal(faint, pixels(page)[40:])


@needs_browser
def test_heat_below_the_cut_off_is_hidden(opened):
    page = opened()
    rim = (HOT[0] + 0.11, HOT[1])  # about a quarter of the scale
    assert colourfulness(colour_at(pixels(page), rim)) > 10
    set_slider(page, "cut", 50)
    picture = pixels(page)
    assert colourfulness(colour_at(picture, rim)) < 2
    assert colourfulness(colour_at(picture, HOT)) > 40


@needs_browser
def test_invert_inverts_the_film(opened):
    page = opened("set=none")
    press(page, "o")
    before = colour_at(pixels(page), COLD)
    press(page, "i")
    np.testing.assert_allclose(colour_at(pixels(page), COLD), 255 - before, atol=1.5)


@needs_browser
def test_wheel_zooms_drag_moves_and_double_click_fits(opened):
    page = opened("set=none")
    fitting = pixels(page)
    wheel(page, -500)
    assert zoom(page) > 1.5
    zoomed = pixels(page)
    assert np.abs(zoomed - fitting).mean() > 5
    box = stage(page).bounding_box()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    settle(page)
    assert np.abs(pixels(page) - zoomed).mean() > 2
    stage(page).dblclick()
    settle(page)
    np.testing.assert_array_equal(pixels(page), fitting)


@needs_browser
def test_a_page_can_be_scrolled_over_a_picture_that_fits(opened):
    page = opened("height=400", viewport={"width": 1200, "height": 500})
    inside = "() => document.querySelector('[data-testid=stMain]').scrollTop"
    wheel(page, 200)
    page.wait_for_function(f"({inside})() > 100")
    assert zoom(page) == 1


@needs_browser
def test_right_button_and_window_tool_change_the_window(opened):
    page = opened("set=none")
    box = stage(page).bounding_box()
    for button, before in (("right", None), ("left", "w")):
        press(page, "d", *([before] if before else []))
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down(button=button)
        page.mouse.move(box["x"] + 100, box["y"] + 160, steps=3)
        page.mouse.up(button=button)
        settle(page)
        assert "W 100 L 50" not in status(page)


@needs_browser
def test_what_was_set_survives_other_layers_but_not_another_scan(opened):
    page = opened()
    press(page, "+", "+", "t", "[", "[", "Shift+ArrowLeft")
    before = status(page)
    assert zoom(page) == 1.6
    assert "turned 90°" in before
    choose_layers(page, "other explanation")
    page.locator('select[data-name="layer"] option', has_text="Score-CAM").wait_for(state="attached")
    settle(page)
    assert status(page) == before
    assert page.locator('input[data-name="opacity"]').input_value() == "60"
    assert (
        page.locator('select[data-name="layer"]').evaluate("e => e.selectedOptions[0].text") == "Grad-CAM++"
    )
    page.get_by_text("Another scan").click()
    page.locator(".status", has_text="Zoom 1.0").wait_for()
    assert "turned" not in status(page)


@needs_browser
def test_names_that_are_markup_stay_text(opened):
    page = opened("set=markup")
    page.keyboard.press("s")
    for key in "1234":
        press(page, key)
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("() => window.injected") is None
    assert "<img" in page.locator(".caption").inner_text()
    assert "<img" in page.locator(".high").inner_text()


@needs_browser
def test_nothing_is_sent_to_the_server_while_reading(opened):
    page = opened("set=anomaly")
    page.wait_for_timeout(1000)
    sent = len(page.sent)
    wheel(page, -400)
    wheel(page, 100)
    page.mouse.down()
    page.mouse.move(500, 500, steps=5)
    page.mouse.up()
    press(page, *"1234nwit[].,mo", "Shift+ArrowUp", "0")
    page.wait_for_timeout(500)
    assert len(page.sent) == sent > 0


@needs_browser
@pytest.mark.parametrize("view", ["overlay", "side"])
def test_nothing_overflows_a_phone(opened, view):
    page = opened(f"set=anomaly&view={view}", viewport={"width": 390, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    frame = page.locator(".frame").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert frame[0] <= frame[1]


@needs_browser
def test_two_fingers_zoom_and_one_scrolls_until_zoomed(opened):
    page = opened("set=none", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    touch_action = "element => getComputedStyle(element).touchAction"
    assert stage(page).evaluate(touch_action) == "pan-y"
    stage(page).scroll_into_view_if_needed()
    box = stage(page).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for kind, spread in (("touchStart", 30), ("touchMove", 60), ("touchMove", 100), ("touchEnd", None)):
        points = (
            [] if spread is None else [{"x": x - spread, "y": y, "id": 0}, {"x": x + spread, "y": y, "id": 1}]
        )
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(200)
    assert zoom(page) > 2
    assert stage(page).evaluate(touch_action) == "none"


@needs_browser
def test_keys_are_listed_and_the_list_gives_focus_back(opened):
    page = opened()
    press(page, "?")
    dialog = page.get_by_role("dialog", name="Keys")
    assert dialog.is_visible()
    assert page.get_by_role("button", name="Close").evaluate("e => e.getRootNode().activeElement === e")
    page.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert stage(page).evaluate("e => e.getRootNode().activeElement === e")


@needs_browser
def test_the_swipe_line_is_dragged_and_has_keys(opened):
    page = opened("view=swipe")
    line = page.get_by_role("slider", name="Swipe line")
    assert colourfulness(colour_at(pixels(page), HOT)) < 2  # the film's side
    line.focus()
    page.keyboard.press("ArrowLeft")
    assert line.get_attribute("aria-valuenow") == "48"
    box = stage(page).bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.48, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 200, steps=3)
    page.mouse.up()
    settle(page)
    assert colourfulness(colour_at(pixels(page), HOT)) > 40


@needs_browser
def test_a_click_on_a_pane_chooses_its_layer(opened):
    page = opened("set=anomaly&view=side")
    layer = page.locator('select[data-name="layer"]')
    assert layer.input_value() == "0"
    box = stage(page).bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.8)
    assert layer.input_value() == "2"
    assert page.locator(".low").inner_text() == "as in normals"
    assert page.locator(".high").inner_text() == "full colour = 2 sd of normals"


@needs_browser
def test_a_quarter_turn_and_a_mirror_put_the_heat_where_they_say(opened):
    page = opened()
    press(page, "t")
    assert colourfulness(colour_at(pixels(page), (1 - HOT[1], HOT[0]), turned=True)) > 40
    press(page, "x")
    assert colourfulness(colour_at(pixels(page), (HOT[1], HOT[0]), turned=True)) > 40
    assert "MIRRORED" in status(page)


@needs_browser
def test_the_outline_of_the_lungs_can_be_hidden(opened):
    page = opened("set=none")
    with_line = pixels(page)
    press(page, "o")
    changed = np.abs(pixels(page) - with_line).max(axis=2) > 20
    assert 0.001 < changed.mean() < 0.05


@needs_browser
def test_the_picture_is_saved_with_its_legend(opened):
    page = opened()
    with page.expect_download() as download:
        press(page, "s")
    assert download.value.suggested_filename == "opacity-picture.png"
    with Image.open(download.value.path()) as picture:
        assert picture.width >= 1600
        assert picture.height > picture.width * stage(page).bounding_box()["height"] / 1200


@needs_browser
def test_full_screen_fills_the_screen_and_returns(opened):
    page = opened()
    button = page.get_by_role("button", name="Full screen")
    button.click()
    page.wait_for_function("() => document.fullscreenElement")
    expect(button).to_have_attribute("aria-pressed", "true")  # the page hears of it a moment later
    button.click()
    page.wait_for_function("() => !document.fullscreenElement")


@needs_browser
def test_windows_for_ct_come_with_hounsfield_units(opened):
    page = opened("ct=1&set=none")
    page.get_by_label("CT window").select_option("brain")
    assert "W 80 L 40 HU" in status(page)
    assert opened("set=none").get_by_label("CT window").is_hidden()


@needs_browser
def test_everything_has_a_name_and_the_picture_its_words(opened):
    page = opened("set=anomaly")
    assert page.get_by_role("img", name="A drawn chest film; heat in the right lower lung.").is_visible()
    for name in ("Scan", "Overlay", "Side by side", "Window", "Invert", "Lungs", "Full screen"):
        button = page.get_by_role("button", name=name, exact=True)
        assert button.get_attribute("aria-pressed") in ("true", "false")
    for name in ("Opacity", "Hide below"):
        assert page.get_by_role("slider", name=name).count() == 1
    press(page, "i")
    assert "inverted" in page.locator(".spoken").inner_text()


# ---- the Python face, without a browser


def packed(scan: np.ndarray, *layers: Layer, outline: np.ndarray | None = None) -> tuple[dict, bytes]:
    payload = pack(scan, layers=layers, outline=outline, about={"key": "k"})
    length = int.from_bytes(payload[:4], "little")
    return json.loads(payload[4 : 4 + length]), payload[4 + length :]


def unpacked(plane: dict, body: bytes) -> np.ndarray:
    bytes_ = zlib.decompress(body[plane["offset"] : plane["offset"] + plane["length"]])
    steps = (
        np.frombuffer(bytes_, dtype=np.uint8).reshape(-1, plane["height"], plane["width"]).astype(np.int64)
    )
    if not plane["wide"]:
        return steps[0].cumsum(axis=1) % 256
    return (steps[0] * 256 + steps[1]).cumsum(axis=1) % 65536


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_a_film_of_eight_bits_travels_without_loss():
    scan = (noise(30, 40) * 255).round().astype(np.float32) / 255
    header, body = packed(scan)
    assert not header["film"]["wide"]
    np.testing.assert_array_equal(unpacked(header["film"], body), (scan * 255).round())


def test_a_deeper_film_travels_in_sixteen_bits_and_a_large_one_smaller():
    header, body = packed(noise(2000, 500))
    assert (header["film"]["wide"], header["film"]["height"], header["film"]["width"]) == (True, 1024, 256)
    assert header["shape"] == {"height": 2000, "width": 500}
    scan = noise(20, 30)
    header, body = packed(scan)
    np.testing.assert_allclose(unpacked(header["film"], body) / 65535, scan, atol=1e-5)


def test_codes_of_each_kind_of_layer():
    scan = noise(1, 5)
    values = np.array([[0, 0.5, 1, 9, np.nan]], dtype=np.float32)
    layers = [Layer(kind, values, kind, 1.0) for kind in ("heat", "grey")]
    layers.append(Layer("signed", np.array([[0, -1, 1, -9, 9]], dtype=np.float32), "signed", 1.0))
    header, body = packed(scan, *layers)
    codes = [unpacked(layer["plane"], body)[0].tolist() for layer in header["layers"]]
    assert codes == [[0, 100, 200, 255, 0], [1, 128, 255, 255, 0], [128, 1, 255, 1, 255]]


def test_the_digest_is_the_scans_and_the_version_everythings():
    scan, heat = noise(8, 8), noise(8, 8)
    first, second = (packed(scan, Layer("a", heat, "heat", scale))[0] for scale in (1.0, 2.0))
    assert first["digest"] == second["digest"]
    assert first["version"] != second["version"]
    assert packed(1 - scan)[0]["digest"] != first["digest"]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Layer("heat", noise(3, 3)), "resize it first"),
        (Layer("heat", noise(4, 4), "jet"), "Choose from"),
        (Layer("heat", noise(4, 4), "heat", 0.0), "above 0"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_with_the_reason(layer, words):
    with pytest.raises(ValueError, match=words):
        packed(noise(4, 4), layer)
