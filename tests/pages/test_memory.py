"""What a session holds has a limit, counted in bytes."""

import numpy as np
import pytest

from pages.shared.session import memory
from tests.pages.app import VERDICT, opened, words
from tests.phantoms.chest import chest, png

SIDE = 448
ONE = 4 * SIDE * SIDE  # bytes of a film's pixels


def film(seed: int) -> bytes:
    return png(np.kron(chest(seed=seed), np.ones((2, 2), np.float32)))


def pixels(app) -> dict[str, int]:
    return {scan.name: scan.pixels.nbytes for scan in app.session_state["scans"].values()}


def with_films(number: int):
    app = opened("pages/diagnose.py")
    for seed in range(number):
        app.file_uploader[0].upload(f"{seed}.png", film(seed), "image/png")
    return app.run()


def test_pixels_beyond_the_limit_are_let_go_and_read_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "PIXELS", 2 * ONE)
    app = with_films(4)
    assert not app.exception
    assert pixels(app) == {"0.png": ONE, "1.png": 0, "2.png": 0, "3.png": ONE}
    held = app.session_state["scans"]
    (chosen,) = (digest for digest, scan in held.items() if scan.name == "1.png")
    app = next(box for box in app.selectbox if box.label == "Shown").select(chosen).run()
    assert not app.exception
    assert VERDICT in words(app)
    assert app.session_state["scans"][chosen].pixels.nbytes == ONE
    assert sum(pixels(app).values()) <= 2 * ONE
    assert not app.error


def test_the_oldest_files_beyond_the_limit_are_forgotten_with_a_word(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "FILES", 3 * len(film(0)) + len(film(1)) // 2)
    app = with_films(5)
    assert not app.exception
    assert list(pixels(app)) == ["0.png", "3.png", "4.png"]
    assert sum(len(data) for data, _ in app.session_state["files"].values()) <= memory.FILES
    assert "Let go, as a session holds only so much: 1.png, 2.png." in app.error[0].value
    assert not app.run().file_uploader[0].value


def test_what_was_turned_counts_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "PIXELS", ONE)
    app = opened("pages/diagnose.py")
    app = app.file_uploader[0].upload("negative.png", png(1 - chest()), "image/png").run()
    app = next(button for button in app.button if button.label == "Turn it back").click().run()
    monkeypatch.setattr(memory, "PIXELS", 2 * chest().size)
    app = app.file_uploader[0].upload("next.png", png(chest(seed=3)), "image/png").run()
    assert not app.exception
    assert list(pixels(app)) == ["next.png"]
    assert not app.session_state["sent"]
    assert "negative.png" in app.error[0].value
