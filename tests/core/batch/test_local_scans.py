"""Calibrating to a place: from a folder or a table to an operating point that screening uses."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from core import cards
from core.__main__ import main
from core.batch import local_scans
from core.batch.rows import ScreeningRow
from core.card_types import Card
from core.errors import OpacityError, UnknownName
from core.evaluation import operating_points
from tests.phantoms.chest import chest, png

CARD = cards.read("pneumonia-cnn")
assert isinstance(CARD, Card)


def table(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    normals = [{"label": "normal", "score": score} for score in rng.uniform(0.3, 0.8, 60)]
    abnormal = [{"label": "Pneumonia", "score": score} for score in rng.uniform(0.7, 1.0, 10)]
    return table(tmp_path / "scores.csv", normals + abnormal)


def calibrate(*arguments: object) -> int:
    return main(["calibrate", *map(str, arguments), "--card", CARD.id])


def test_a_table_gives_a_point_that_screen_predict_and_evaluate_use(
    scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    point, film = tmp_path / "point.json", tmp_path / "films" / "normal" / "film.png"
    film.parent.mkdir(parents=True)
    film.write_bytes(png(chest()))
    sick = tmp_path / "films" / "pneumonia" / "film.png"
    sick.parent.mkdir()
    sick.write_bytes(png(chest(opacity=0.4)))
    assert calibrate(scores, "--specificity", 0.9, "--out", point) == 0
    said = capsys.readouterr().out
    assert "60 normal scans of 60 patients" in said
    assert "10 abnormal ones" in said
    assert "Before" in said
    assert "After" in said
    (known,) = operating_points.read(point.read_bytes(), CARD)
    assert known.threshold > CARD.threshold
    assert known.local is not None
    assert known.local.after.specificity >= 0.9 > known.local.before.specificity
    assert main(["screen", str(film), "--card", CARD.id, "--point", str(point), "--out", f"{film}.csv"]) == 0
    with Path(f"{film}.csv").open() as file:
        assert float(next(csv.DictReader(file))["threshold"]) == pytest.approx(known.threshold, rel=1e-5)
    capsys.readouterr()
    assert main(["predict", str(film), "--card", CARD.id, "--point", str(point), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == known.threshold
    folder = str(tmp_path / "films")
    assert main(["evaluate", folder, "--card", CARD.id, "--point", str(point), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["points"][0]["threshold"] == known.threshold


def test_a_point_is_refused_on_another_card(scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    point = tmp_path / "point.json"
    assert calibrate(scores, "--out", point) == 0
    film = tmp_path / "film.png"
    film.write_bytes(png(chest()))
    arguments = ["screen", str(film), "--point", str(point), "--out", str(tmp_path / "out.csv")]
    assert main([*arguments, "--card", "pneumonia-alexnet"]) == 2
    assert "was made for card 'pneumonia-cnn'" in capsys.readouterr().err


def test_too_few_normals_are_refused_in_one_sentence_and_no_point_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    few = table(tmp_path / "few.csv", [{"label": "normal", "score": k / 20} for k in range(19)])
    assert calibrate(few, "--out", tmp_path / "point.json") == 2
    assert "normal scans of 20 patients or more, and there are 19" in capsys.readouterr().err
    assert not (tmp_path / "point.json").exists()


def judged(files: list[Path]) -> list[ScreeningRow]:
    """A score by the file's number; a file named bad cannot be read."""
    return [
        ScreeningRow(file.as_posix(), "unreadable")
        if file.stem == "bad"
        else ScreeningRow(file.as_posix(), "ok", score=float(file.stem.split("_")[-1]))
        for file in files
    ]


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_folder_without_classes_holds_normals_and_its_folders_are_patients(tmp_path: Path):
    folder = folder_of(tmp_path, "ann/1.png", "ann/2.png", "bob/3.png", "bob/bad.png")
    scans = local_scans.from_folder(CARD, folder, judged)
    assert [(scan.patient, scan.score, scan.abnormal) for scan in scans] == [
        ("ann", 1.0, False),
        ("ann", 2.0, False),
        ("bob", 3.0, False),
    ]


def test_classes_are_told_apart_by_the_folders_and_another_folder_is_refused(tmp_path: Path):
    folder = folder_of(tmp_path, "Normal/1.png", "abnormal/2.png")
    scans = local_scans.from_folder(CARD, folder, judged)
    assert {(scan.score, scan.abnormal) for scan in scans} == {(1.0, False), (2.0, True)}
    folder_of(tmp_path, "tumour/3.png")
    with pytest.raises(UnknownName, match="tumour beside abnormal, normal"):
        local_scans.from_folder(CARD, folder, judged)


def test_names_tell_patients_only_where_enough_are_left():
    films = [f"p{patient}_{film}.png" for patient in range(20) for film in range(3)]
    assert len(set(local_scans.patients_of(films))) == 20
    assert len(set(local_scans.patients_of([f"normal_{k}.png" for k in range(30)]))) == 30


def test_a_cards_own_scores_can_be_calibrated_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    point = tmp_path / "point.json"
    assert calibrate(cards.WEIGHTS / CARD.id / "scores.csv", "--specificity", 0.8, "--out", point) == 0
    (known,) = operating_points.read(point.read_bytes(), CARD)
    assert known.local is not None
    assert known.local.patients > 100  # by the names of the films, not by their folders
    assert "Threshold" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"label": "normal", "points": 1}], "columns label and score"),
        ([{"label": "normal", "score": "high"}], "the score 'high'"),
        ([{"label": "nromal", "score": 1}], "the label 'nromal'"),
    ],
)
def test_a_table_that_is_none_is_said(tmp_path: Path, rows: list[dict[str, object]], said: str):
    with pytest.raises(OpacityError, match=said):
        local_scans.from_table(CARD, table(tmp_path / "scores.csv", rows))


def test_a_table_is_read_in_the_ways_that_programs_write_one(tmp_path: Path):
    path = tmp_path / "scores.csv"
    path.write_bytes("Label;Score;Patient\r\nNORMAL; 0.1;a\r\n1;0.9;b\r\n".encode("utf-16"))
    scans = local_scans.from_table(CARD, path)
    assert [(scan.abnormal, scan.score, scan.patient) for scan in scans] == [
        (False, 0.1, "a"),
        (True, 0.9, "b"),
    ]


def test_folders_of_classes_and_above_them_are_no_patients():
    below = local_scans.below_classes
    first = CARD.labels[0]
    assert below(CARD, [f"set/{first}/a/1.png", f"set/{first}/2.png"]) == ["a/1.png", "2.png"]
    assert below(CARD, ["set/a/1.png", "set/b/1.png"]) == ["a/1.png", "b/1.png"]
    assert below(CARD, ["1.png", "2.png"]) == ["1.png", "2.png"]
