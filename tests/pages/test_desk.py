"""Several scans side by side, and what the task's other models say of one."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.reading import images
from pages.shared import sentences, wording
from pages.shared.views.desk import background
from tests.pages.app import APP, FILM, SCAN_PAGES, VERDICT, opened, started, upload, words
from tests.phantoms import fake_cards
from tests.phantoms.chest import chest, png
from tests.phantoms.fake_cards import made_up
from tests.phantoms.files import chest_film
from tests.quick import CLASSIFIER

ALWAYS, NEVER = 0.0, 1.1  # thresholds that call every scan, or none
KEEN = made_up("keen", ("normal", "odd"), skill=2.5, task="oddness", threshold=ALWAYS)
LIKE = made_up("like", ("normal", "odd"), skill=2.0, task="oddness", threshold=ALWAYS)
CALM = made_up("calm", ("normal", "odd"), skill=1.5, task="oddness", threshold=NEVER)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch):
    """What arrives bit by bit in a browser, whose clock no test without one has, is all there."""

    def find(asked, draw, *, keep_model, **_):
        for one in background.verdicts.unknown(asked):
            background._find_one(one, keep_model=keep_model)
        draw()

    monkeypatch.setattr(background, "find", find)


def films(app: AppTest) -> list:
    return [button for button in app.button if (button.key or "").startswith("film-")]


def two_films() -> AppTest:
    app = upload(opened("pages/diagnose.py"), "one.png", FILM)
    return upload(app, "two.png", png(chest(seed=5)))


def test_one_scan_alone_has_no_filmstrip():
    assert not films(upload(opened("pages/diagnose.py"), "one.png", FILM))


@pytest.mark.usefixtures("at_once")
def test_several_scans_stand_side_by_side_with_their_verdicts_and_a_click_shows_one():
    app = two_films()
    assert not app.exception
    first, second = films(app)
    assert first.label.startswith("![](data:image/webp")
    assert first.label.endswith("one.png")
    marks = [button.label.split("**")[1] for button in (first, second)]
    assert set(marks) <= {"Suspicious", "Below threshold"}
    assert "shown" in second.key
    app = first.click().run()
    assert "shown" in films(app)[0].key
    assert VERDICT in words(app)


def beside(app: AppTest):
    return next((box for box in app.selectbox if box.label == sentences.BESIDE), None)


def viewer(app: AppTest) -> dict:
    """The header of what the scan viewer was sent."""
    payload = next(one for one in app.get("bidi_component") if "scan_viewer" in one.proto.component_name)
    data = payload.proto.bytes
    return json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])


@pytest.mark.parametrize("page", SCAN_PAGES)
def test_another_scan_of_the_session_stands_beside_the_one_on_screen(page: str):
    app = upload(opened(page), "one.png", FILM)
    assert beside(app) is None
    app = upload(app, "two.png", png(chest(seed=5)))
    assert not any(layer["otherScan"] for layer in viewer(app)["layers"])
    assert beside(app).options == [sentences.NOTHING_BESIDE, "one.png"]
    app = beside(app).set_value(next(iter(app.session_state["scans"]))).run()
    assert not app.exception
    header = viewer(app)
    assert header["view"] == "side"
    *maps, other = [(layer["name"], layer["otherScan"]) for layer in header["layers"]]
    assert other == ("one.png", True)
    assert not any(is_other for _, is_other in maps)
    if page == "pages/anomaly.py":
        assert maps


def test_what_is_not_judged_yet_waits_and_holds_nothing_up():
    app = two_films()
    held = app.session_state["verdicts"]
    assert len(held) == 2  # each was on screen once
    app.session_state["verdicts"] = {}
    assert not app.run().exception
    assert films(app)[0].label.split("**")[1] == wording.SIDES["waiting"]


def test_forget_all_leaves_nothing():
    app = two_films()
    app = next(button for button in app.button if button.label == sentences.FORGET_ALL).click().run()
    assert not app.exception
    for name in ("scans", "files", "thumbnails", "verdicts"):
        assert not app.session_state[name], name


@pytest.mark.usefixtures("at_once")
def test_the_other_models_of_the_task_agree_or_not_and_a_dot_opens_one(tmp_path: Path):
    with fake_cards.weights(tmp_path, (KEEN, 2.5, 0), (LIKE, 2.0, 1), (CALM, 1.5, 2)):
        app = AppTest.from_file(APP, default_timeout=120)
        app.session_state["welcomed"], app.session_state["chosen"] = True, ["keen"]
        app = upload(app.run(), "film.png", FILM)
        app = next(button for button in app.button if button.label == "Ask all 2 other models").click().run()
        assert not app.exception
        assert any(text.value == "1 of 2 other models agree." for text in app.markdown)
        dots = {button.label: button for button in app.button if (button.key or "").startswith("dot-")}
        assert set(dots) == {"Like: Suspicious", "Calm: Below threshold"}
        app = dots["Calm: Below threshold"].click().run()
        assert "The models disagree: Keen finds the scan suspicious, Calm does not." in app.warning[0].value


def test_agreement_in_words():
    sides: list[wording.Side] = ["suspicious", "below", "suspicious", "refused", "waiting"]
    told = "2 of 3 other models agree. 1 may not read this scan. Asking 1 more ..."
    assert wording.agreement(True, sides) == told
    assert wording.agreement(False, sides[:3]) == "1 of 3 other models agree."


def test_a_dicom_films_corner_tells_age_view_and_spacing_and_nothing_of_whose_it_is():
    tags = {"PatientAge": "004Y", "ViewPosition": "PA", "PixelSpacing": [0.2, 0.2], "PatientName": "Doe^Jane"}
    scan = images.read(chest_film((chest() * 255).round().astype(np.uint8), **tags), "film.dcm")
    assert wording.corner(scan)[:3] == ("4 years", "CR PA", "0.2, 0.2 mm per pixel")
    assert "Doe" not in " ".join(wording.corner(scan))
    assert wording.corner(images.read(FILM, "film.png")) == ()


def test_the_refer_band_is_shaded_on_the_bar_and_said_in_words():
    app = started()
    app.query_params.update({"card": CLASSIFIER.id, "threshold": "0.2", "upper": "0.6"})
    app.session_state["chosen"] = [CLASSIFIER.id]
    app = upload(app.run(), "film.png", FILM)
    assert 'class="refer" style="left: 20.0%; width: 40.0%"' in words(app)
    assert "Shaded, from there to 0.60: too close to call" in words(app)
    assert 'class="refer"' not in words(two_films())
