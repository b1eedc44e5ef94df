"""Frames, windows, negatives, the gate and its override, sign-in: as Streamlit runs them."""

import json
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
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
    app = button(app, "Analyse anyway (result unreliable)").click().run()
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


def volume(*slices: np.ndarray) -> bytes:
    """A NIfTI volume whose axial slices, from below upwards, show these pictures."""
    stored = np.stack([np.rint(one[::-1, ::-1].T * 1000) for one in slices], axis=2)
    return nibabel.Nifti1Image(stored.astype(np.int16), np.eye(4)).to_bytes()


def test_of_a_volume_each_slice_is_judged_and_the_worst_is_shown_first():
    noise = np.random.default_rng(0).random((224, 224))
    films = [chest(opacity=amount, seed=1) for amount in (0.0, 0.6, 0.1)]
    app = upload(opened("pages/diagnose.py"), "chest.nii", volume(*films, noise))
    assert not app.exception
    scan = app.session_state["scans"][shown(app)]
    assert (scan.frame, scan.frames) == (1, 4)
    assert "Slice 2 has the highest score" in words(app)
    assert "4 of 4 slices looked at, 1 of them not read" in words(app)
    slice_slider = next(slider for slider in app.slider if slider.label == "Slice, of 4")
    app = slice_slider.set_value(1).run()
    assert app.session_state["scans"][shown(app)].frame == 0
    app = button(app, "Show it").click().run()
    assert app.session_state["scans"][shown(app)].frame == 1
    app = button(app, "Forget this scan").click().run()
    assert not app.session_state["files"]
    assert "slices" not in app.session_state


def test_slices_of_one_series_that_come_together_are_one_stack():
    slices = [
        chest_film(FILM, Modality="CT", SeriesInstanceUID="1.2.3.4", InstanceNumber=number)
        for number in (2, 1, 3)
    ]
    app = opened("pages/diagnose.py")
    uploader = app.file_uploader[0]
    for number, one in enumerate(slices):
        uploader.upload(f"{number}.dcm", one, "application/dicom")
    app = uploader.run()
    assert not app.exception
    (scan,) = app.session_state["scans"].values()
    assert (scan.frames, scan.name) == (3, "0.dcm and 2 more")
    assert len(app.session_state["files"]) == 1


def screenshot() -> bytes:
    """A film in the middle of a bright blue window."""
    window = np.zeros((448, 448, 3), np.uint8)
    window[...] = (30, 90, 220)
    window[112:336, 112:336] = FILM[..., None]
    file = BytesIO()
    Image.fromarray(window).save(file, "PNG")
    return file.getvalue()


def test_a_screenshot_is_refused_and_read_once_it_is_cropped():
    app = upload(opened("pages/diagnose.py"), "screen.png", screenshot())
    assert "crop the film out of it, straighten it, and try again" in app.warning[0].value
    whole = shown(app)
    for label in ("Left and right, %", "Top and bottom, %"):
        app = next(slider for slider in app.slider if slider.label == label).set_value((25, 75)).run()
    app = button(app, "Try again with this part").click().run()
    assert not app.exception
    assert VERDICT in words(app)
    assert app.session_state["scans"][shown(app)].pixels.shape == (224, 224)
    app = button(app, "Show all of it").click().run()
    assert shown(app) == whole
    app = button(app, "Analyse anyway (result unreliable)").click().run()
    assert VERDICT in words(app)


def test_what_was_read_otherwise_than_the_header_says_is_told():
    data = chest_film(WindowCenter=127.5, WindowWidth=-256)
    app = upload(opened("pages/diagnose.py"), "film.dcm", data)
    assert "is no pair of a number and a width above 0: left out" in words(app)
    assert "Shown: full range." in words(app)
