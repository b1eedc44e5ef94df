"""Options of the command line that choose what is read, and what is read against the gate."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from tests.phantoms.chest import chest, png
from tests.phantoms.files import chest_film
from tests.quick import CLASSIFIER as CARD

FILM = (chest() * 255).round().astype(np.uint8)


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    path.write_bytes(png(np.random.default_rng(0).random((50, 50), dtype=np.float32)))
    return path


def predicted(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["predict", *arguments, "--card", CARD.id, "--json"]) == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def test_an_override_is_said_in_the_answer(noise: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["predict", str(noise), "--card", CARD.id]) == 2
    assert "50 x 50" in capsys.readouterr().err
    answer = predicted(capsys, str(noise), "--override-gate")
    assert str(answer["overridden"]).startswith("Gate overridden. Not read: noise.png is 50 x 50")


def test_without_need_an_override_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "film.png"
    path.write_bytes(png(chest()))
    assert predicted(capsys, str(path), "--override-gate") == predicted(capsys, str(path))


def test_a_screening_says_which_rows_were_overridden(noise: Path, tmp_path: Path):
    out = tmp_path / "out.csv"
    arguments = ["screen", str(noise), "--card", CARD.id, "--out", str(out)]
    for option, status in (([], "refused"), (["--override-gate"], "ok")):
        assert main([*arguments, *option]) == 0
        with out.open(newline="") as file:
            (row,) = csv.DictReader(file)
        assert row["status"] == status
        assert "50 x 50" in row["error"]


def test_frame_and_window_are_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "film.dcm"
    two = np.stack([FILM[:, ::-1], FILM])
    path.write_bytes(chest_film(two, NumberOfFrames=2, WindowCenter=[127.5, 110], WindowWidth=[256, 220]))
    plain = predicted(capsys, str(path))
    second = predicted(capsys, str(path), "--frame", "2")
    narrow = predicted(capsys, str(path), "--frame", "2", "--window", "window 110 / 220")
    assert len({answer["digest"] for answer in (plain, second, narrow)}) == 3
    assert main(["predict", str(path), "--card", CARD.id, "--window", "bone"]) == 2
    assert "Choose from: window 127.5 / 256, window 110 / 220" in capsys.readouterr().err


def test_a_negative_is_turned_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    film, negative = tmp_path / "film.png", tmp_path / "negative.png"
    film.write_bytes(png(chest())), negative.write_bytes(png(1 - chest()))
    as_sent, back = predicted(capsys, str(film)), predicted(capsys, str(negative), "--turn-back")
    assert float(str(back["score"])) == pytest.approx(float(str(as_sent["score"])), abs=0.05)
