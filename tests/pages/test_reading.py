"""Frames, windows, negatives, the gate and its override, sign-in: as Streamlit runs them."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.app import opened, upload, words
from tests.phantoms.chest import chest, png
from tests.phantoms.files import chest_film

VERDICT = 'class="opacity-verdict"'
APP = Path(__file__).resolve().parents[2] / "app.py"
FILM = (chest() * 255).round().astype(np.uint8)


def shown(app: AppTest) -> str:
    return app.session_state["scan"]


def button(app: AppTest, label: str):
    return next(button for button in app.button if button.label == label)


def test_a_negative_is_offered_to_be_turned_back_and_read():
    app = upload(opened("pages/diagnose.py"), "negative.png", png(1 - chest()))
    assert "negative" in app.warning[0].value
    app = button(app, "Turn it back").click().run()
    assert not app.exception
    assert VERDICT in words(app)
    assert "Turned back" in words(app)
    app = button(app, "Show as in the file").click().run()
    assert "negative" in app.warning[0].value


def test_forgetting_a_turned_scan_leaves_neither_it_nor_what_was_sent():
    data = chest_film(255 - FILM, WindowCenter=[127.5, 100], WindowWidth=[256, 150])
    app = upload(opened("pages/diagnose.py"), "negative.dcm", data)
    app = button(app, "Turn it back").click().run()
    app = button(app, "Forget this scan").click().run()
    assert not app.session_state["scans"]
    assert not app.session_state["files"]
    assert not app.session_state["sent"]


def test_the_gate_can_be_overridden_and_every_result_says_so():
    noise = np.random.default_rng(0).random((224, 224), dtype=np.float32)
    app = upload(opened("pages/diagnose.py"), "noise.png", png(noise))
    assert VERDICT not in words(app)
    app = button(app, "Read it anyway").click().run()
    assert VERDICT in words(app)
    assert "at your request" in app.warning[0].value
    app = upload(app, "film.png", png(chest()))
    assert not app.warning


def test_windows_and_frames_of_a_file_are_chosen():
    two = np.stack([FILM, FILM[:, ::-1]])
    data = chest_film(two, NumberOfFrames=2, WindowCenter=[127.5, 100], WindowWidth=[256, 150])
    app = upload(opened("pages/diagnose.py"), "film.dcm", data)
    first = shown(app)
    window = next(box for box in app.selectbox if box.label.startswith("Window"))
    app = window.select("window 100 / 150").run()
    second = shown(app)
    frame = next(box for box in app.number_input if box.label.startswith("Frame"))
    app = frame.set_value(2).run()
    assert not app.exception
    assert len({first, second, shown(app)}) == 3
    assert len(app.session_state["scans"]) == 1
    app = button(app, "Forget this scan").click().run()
    assert not app.session_state["files"]


def test_burned_in_text_is_warned_of():
    app = upload(opened("pages/diagnose.py"), "film.dcm", chest_film(BurnedInAnnotation="YES"))
    assert any("burned into its picture" in warning.value for warning in app.warning)


def test_each_verdict_is_recorded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    monkeypatch.setenv("OPACITY_AUDIT", str(path))
    app = upload(opened("pages/diagnose.py"), "jane-doe.png", png(chest(seed=9)))
    app = app.run()
    (line,) = [json.loads(text) for text in path.read_text().splitlines()]
    assert line["input"] == shown(app)
    assert "jane" not in path.read_text()


def test_with_sign_in_set_up_nothing_is_shown_before_it():
    app = AppTest.from_file(APP, default_timeout=60)
    app.secrets["auth"] = {"client_id": "x", "redirect_uri": "http://localhost/oauth2callback"}
    app = app.run()
    assert app.info[0].value == "Sign in to read scans."
    assert not app.file_uploader
