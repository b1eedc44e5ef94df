"""The scan viewer, used in a real browser on a drawn film."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.serving import serve
from tests.browser.viewer_hands import (
    choose_layers,
    colour_at,
    colourfulness,
    drag,
    pixels,
    press,
    set_slider,
    stage,
    status,
    wheel,
    zoom,
)
from tests.browser.waiting import drawn, frames_sent, idle, wait_until

DEMO = Path(__file__).with_name("viewer_demo.py")
HOT, COLD = (0.3, 0.62), (0.72, 0.3)

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(DEMO) as address:
        yield address


@pytest.fixture
def opened(url: str, new_page: NewPage) -> Iterator[Opener]:
    """opened(query, **context) -> a page whose picture is drawn; nothing may have gone wrong on it."""
    errors: list[str] = []

    def open_page(query: str = "", **settings) -> Page:
        page = new_page(**{"viewport": {"width": 1200, "height": 1000}} | settings)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.sent = frames_sent(page)
        page.goto(f"{url}/?{query}")
        page.wait_for_selector("canvas.picture[aria-label]")
        idle(page)
        return page

    yield open_page
    assert errors == []


def test_heat_colours_the_hot_place_and_leaves_the_cold_one_grey(opened):
    picture = pixels(opened())
    assert picture.std() > 20
    assert colourfulness(colour_at(picture, HOT)) > 40
    assert colourfulness(colour_at(picture, COLD)) < 2


def test_no_opacity_is_the_plain_film(opened):
    page = opened()
    set_slider(page, "opacity", 0)
    faint = pixels(page)[40:]  # below the pane's name
    press(page, "1")
    np.testing.assert_array_equal(faint, pixels(page)[40:])


def test_heat_below_the_cut_off_is_hidden(opened):
    page = opened()
    rim = (HOT[0] + 0.11, HOT[1])  # about a quarter of the scale
    assert colourfulness(colour_at(pixels(page), rim)) > 10
    set_slider(page, "cut", 50)
    picture = pixels(page)
    assert colourfulness(colour_at(picture, rim)) < 2
    assert colourfulness(colour_at(picture, HOT)) > 40


def test_invert_inverts_the_film(opened):
    page = opened("set=none")
    press(page, "o")
    before = colour_at(pixels(page), COLD)
    press(page, "i")
    np.testing.assert_allclose(colour_at(pixels(page), COLD), 255 - before, atol=1.5)


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
    drawn(page)
    assert np.abs(pixels(page) - zoomed).mean() > 2
    stage(page).dblclick()
    drawn(page)
    np.testing.assert_array_equal(pixels(page), fitting)


def test_a_page_can_be_scrolled_over_a_picture_that_fits(opened):
    page = opened("height=400", viewport={"width": 1200, "height": 500})
    inside = "() => document.querySelector('[data-testid=stMain]').scrollTop"
    wheel(page, 200)
    page.wait_for_function(f"({inside})() > 100")
    assert zoom(page) == 1


def test_right_button_and_window_tool_change_the_window(opened):
    page = opened("set=none")
    box = stage(page).bounding_box()
    for button, before in (("right", None), ("left", "w")):
        press(page, "d", *([before] if before else []))
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down(button=button)
        page.mouse.move(box["x"] + 100, box["y"] + 160, steps=3)
        page.mouse.up(button=button)
        drawn(page)
        assert "W 100 L 50" not in status(page)


def length(page: Page, unit: str) -> float:
    return float(re.search(rf"([\d.]+) {unit}$", status(page))[1])


def test_the_ruler_measures_in_pixels_or_as_the_header_says(opened):
    start, across, down = (0.3, 0.3), (0.7, 0.3), (0.3, 0.7)
    for query, unit, wide, tall in (
        ("set=none", "pixels", 400, 360),
        ("set=none&spacing=1", "mm", 100, 180),
        ("set=none&spacing=1&detector=1", "mm at the detector", 100, 180),
    ):
        page = opened(query)
        before = pixels(page)
        press(page, "r")
        expect(page.get_by_role("button", name="Ruler")).to_have_attribute("aria-pressed", "true")
        drag(page, start, across)
        assert length(page, unit) == pytest.approx(wide, rel=0.02)
        assert colourfulness(colour_at(pixels(page), (0.5, 0.3))) > 20  # the line is there
        drag(page, start, down)
        assert length(page, unit) == pytest.approx(tall, rel=0.02)
        press(page, "Escape")
        np.testing.assert_array_equal(pixels(page), before)
        assert unit not in status(page)


def test_another_scan_beside_it_zooms_along_and_is_neither_outlined_nor_measured(opened):
    page = opened("set=prior&view=side")
    fitting = pixels(page)
    left, right = np.array_split(np.arange(fitting.shape[1]), 2)
    press(page, "o")
    changed = np.abs(pixels(page) - fitting).max(axis=2) > 20  # the outline went
    assert changed[:, left].any()
    assert not changed[:, right].any()
    fitting = pixels(page)
    wheel(page, -500)
    zoomed = np.abs(pixels(page) - fitting).mean(axis=(0, 2))
    assert min(zoomed[left].mean(), zoomed[right].mean()) > 5
    press(page, "0", "r")
    drag(page, (0.7, 0.5), (0.8, 0.5))
    np.testing.assert_array_equal(pixels(page), fitting)
    assert "pixels" not in status(page)
    drag(page, (0.2, 0.5), (0.3, 0.5))
    assert "pixels" in status(page)


def test_a_map_is_switched_on_the_first_of_two_scans_side_by_side(opened):
    page = opened("set=prior and map&view=side")

    def colours() -> list[float]:
        spread = np.ptp(pixels(page), axis=2)
        return [float((half > 40).mean()) for half in np.array_split(spread, 2, axis=1)]

    press(page, "o")  # without the outline, which is coloured too
    left, right = colours()
    assert left > 0.02 > right
    press(page, "n")  # the next layer is the other scan itself: no map
    assert max(colours()) < 0.005
    press(page, "n")
    assert colours()[0] == pytest.approx(left)
    fitting = pixels(page)
    wheel(page, -500)
    moved = np.abs(pixels(page) - fitting).mean(axis=(0, 2))
    assert min(half.mean() for half in np.array_split(moved, 2)) > 5


def test_what_was_set_survives_other_layers_but_not_another_scan(opened):
    page = opened()
    press(page, "+", "+", "t", "[", "[", "Shift+ArrowLeft")
    before = status(page)
    assert zoom(page) == 1.6
    assert "turned 90°" in before
    choose_layers(page, "other explanation")
    page.locator('select[data-name="layer"] option', has_text="Score-CAM").wait_for(state="attached")
    drawn(page)
    assert status(page) == before
    assert page.locator('input[data-name="opacity"]').input_value() == "60"
    assert (
        page.locator('select[data-name="layer"]').evaluate("e => e.selectedOptions[0].text") == "Grad-CAM++"
    )
    page.get_by_text("Another scan").click()
    page.locator(".status", has_text="Zoom 1.0").wait_for()
    assert "turned" not in status(page)


def test_names_that_are_markup_stay_text(opened):
    page = opened("set=markup")
    page.keyboard.press("s")
    for key in "1234":
        press(page, key)
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("() => window.injected") is None
    assert "<img" in page.locator(".caption").inner_text()
    assert "<img" in page.locator(".high").inner_text()


def test_nothing_is_sent_to_the_server_while_reading(opened):
    page = opened("set=anomaly")
    sent = len(page.sent)
    wheel(page, -400)
    wheel(page, 100)
    page.mouse.down()
    page.mouse.move(500, 500, steps=5)
    page.mouse.up()
    press(page, *"1234nwit[].,mo", "Shift+ArrowUp", "0")
    assert sent > 0
    page.get_by_text("Another scan").click()  # is sent after all that came before
    page.locator(".status", has_text="Zoom 1.0").wait_for()
    assert len(page.sent) == sent + 1


@pytest.mark.parametrize("view", ["overlay", "side"])
def test_nothing_overflows_a_phone(opened, view):
    page = opened(f"set=anomaly&view={view}", viewport={"width": 390, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    frame = page.locator(".frame").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert frame[0] <= frame[1]


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
    wait_until(page, lambda: zoom(page) > 2)
    assert stage(page).evaluate(touch_action) == "none"


def test_keys_are_listed_and_the_list_gives_focus_back(opened):
    page = opened()
    press(page, "?")
    dialog = page.get_by_role("dialog", name="Keys")
    assert dialog.is_visible()
    assert page.get_by_role("button", name="Close").evaluate("e => e.getRootNode().activeElement === e")
    page.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert stage(page).evaluate("e => e.getRootNode().activeElement === e")


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
    drawn(page)
    assert colourfulness(colour_at(pixels(page), HOT)) > 40


def test_a_click_on_a_pane_chooses_its_layer(opened):
    page = opened("set=anomaly&view=side")
    layer = page.locator('select[data-name="layer"]')
    assert layer.input_value() == "0"
    box = stage(page).bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.8)
    assert layer.input_value() == "2"
    assert page.locator(".low").inner_text() == "as in normals"
    assert page.locator(".high").inner_text() == "full colour = 2 sd of normals"


def test_a_quarter_turn_and_a_mirror_put_the_heat_where_they_say(opened):
    page = opened()
    press(page, "t")
    assert colourfulness(colour_at(pixels(page), (1 - HOT[1], HOT[0]), turned=True)) > 40
    press(page, "x")
    assert colourfulness(colour_at(pixels(page), (HOT[1], HOT[0]), turned=True)) > 40
    assert "MIRRORED" in status(page)


def test_the_outline_of_the_lungs_can_be_hidden(opened):
    page = opened("set=none")
    with_line = pixels(page)
    press(page, "o")
    changed = np.abs(pixels(page) - with_line).max(axis=2) > 20
    assert 0.001 < changed.mean() < 0.05


def test_the_outline_of_a_lesion_is_switched_by_itself(opened):
    page = opened("set=none&marks=1")
    both = pixels(page)
    press(page, "k")
    changed = np.abs(pixels(page) - both).max(axis=2) > 20
    assert 0.0002 < changed.mean() < 0.02
    press(page, "o")
    assert (np.abs(pixels(page) - both).max(axis=2) > 20).mean() > changed.mean()  # the lungs' went too


def test_the_picture_is_saved_with_its_legend(opened):
    page = opened()
    with page.expect_download() as download:
        press(page, "s")
    assert download.value.suggested_filename == "opacity-picture.png"
    with Image.open(download.value.path()) as picture:
        assert picture.width >= 1600
        assert picture.height > picture.width * stage(page).bounding_box()["height"] / 1200


def test_full_screen_fills_the_screen_and_returns(opened):
    page = opened()
    button = page.get_by_role("button", name="Full screen")
    button.click()
    page.wait_for_function("() => document.fullscreenElement")
    expect(button).to_have_attribute("aria-pressed", "true")  # the page hears of it a moment later
    button.click()
    page.wait_for_function("() => !document.fullscreenElement")


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
