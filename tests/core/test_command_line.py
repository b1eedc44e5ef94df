"""The command line, as scripts use it."""

import csv
import json
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pyarrow import parquet

from core import cards
from core.__main__ import main
from core.evaluation import operating_points
from core.evaluation.operating_points import NamedPoint
from tests.phantoms.chest import chest, png
from tests.phantoms.files import chest_film
from tests.quick import CLASSIFIER, DETECTOR

LAST = ("frames", "frame", "same_as")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two films, a text file named .png, an empty file, and a picture without lungs, in nested folders."""
    folder = tmp_path / "films"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.png").write_bytes(png(chest()))
    (folder / "deeper" / "b.PNG").write_bytes(png(chest(opacity=0.4)))
    (folder / "text.png").write_text("not a picture")
    (folder / "empty.png").write_bytes(b"")
    (folder / "noise.png").write_bytes(png(np.random.default_rng(0).random((224, 224), dtype=np.float32)))
    return folder


def test_cards_lists_every_card_as_json(capsys: pytest.CaptureFixture[str]):
    assert main(["cards", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    known = {card.id for card in (*cards.every(), *cards.outlining())}
    assert {card["id"] for card in listed} == known
    assert {"id", "kind", "task", "modality", "labels", "threshold", "policy", "report", "sha256"} <= set(
        listed[0]
    )


def test_cards_are_listed_for_people_too(capsys: pytest.CaptureFixture[str]):
    assert main(["cards"]) == 0
    listed = capsys.readouterr().out
    assert CLASSIFIER.id in listed
    outlines = [line for line in listed.splitlines() if "Dice" in line]
    assert [line.split()[0] for line in outlines] == [card.id for card in cards.outlining()]


def test_predict_writes_a_structured_report_without_a_name(films: Path):
    scan, out = films / "film.dcm", films / "report.dcm"
    tags = {"StudyInstanceUID": "1.2.4", "SeriesInstanceUID": "1.2.5", "PatientName": "DOE^JANE"}
    scan.write_bytes(chest_film((chest(opacity=0.4) * 255).astype(np.uint8), **tags))
    command = ["predict", str(scan), "--card", CLASSIFIER.id, "--sr", str(out)]
    assert main(command) == 0
    made = pydicom.dcmread(out)
    assert (made.Modality, made.StudyInstanceUID, made.SoftwareVersions) == (
        "SR",
        "1.2.4",
        CLASSIFIER.version,
    )
    assert not made.PatientName
    assert main([*command, "--keep-patient"]) == 0
    assert pydicom.dcmread(out).PatientName == "DOE^JANE"
    assert main(["predict", str(films / "a.png"), "--card", CLASSIFIER.id, "--sr", str(out)]) == 2


def test_predict_answers_with_the_contracts_keys(films: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["predict", str(films / "a.png"), "--card", CLASSIFIER.id, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"card", "name", "digest", "score", "threshold", "verdict", "probabilities"}
    assert set(answer["probabilities"]) == set(CLASSIFIER.labels)
    assert main(["predict", str(films / "a.png"), "--card", DETECTOR.id, "--json"]) == 0
    assert "probabilities" not in json.loads(capsys.readouterr().out)


def test_explain_writes_a_picture_of_the_scans_size(films: Path, tmp_path: Path):
    out = tmp_path / "heat.png"
    arguments = [
        "explain",
        str(films / "a.png"),
        "--card",
        CLASSIFIER.id,
        "--method",
        "grad-cam",
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    with Image.open(out) as picture:
        assert picture.size == (224, 224)


def test_one_bad_file_never_stops_a_screening(films: Path, tmp_path: Path):
    out = tmp_path / "out.csv"
    assert main(["screen", str(films), "--card", CLASSIFIER.id, "--out", str(out)]) == 0
    with out.open() as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    labels = [f"p_{label}" for label in CLASSIFIER.labels]
    assert list(rows["a.png"]) == ["path", "status", "score", "threshold", "verdict", "error", *labels, *LAST]
    assert {name: row["status"] for name, row in rows.items()} == {
        "a.png": "ok",
        "b.PNG": "ok",
        "text.png": "unreadable",
        "empty.png": "unreadable",
        "noise.png": "refused",
    }
    assert rows["text.png"]["error"]
    assert rows["a.png"]["verdict"] in ("normal", "abnormal")
    assert rows["text.png"]["score"] == ""


def test_a_second_run_into_parquet_goes_on_where_the_first_ended(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out.parquet"
    command = ["--card", CLASSIFIER.id, "--out", str(out)]
    assert main(["screen", str(films / "deeper"), *command]) == 0
    first = parquet.read_table(out).to_pylist()
    assert [(Path(row["path"]).name, row["status"]) for row in first] == [("b.PNG", "ok")]
    assert main(["screen", str(films), *command]) == 0
    assert "5 scans in" in capsys.readouterr().err
    rows = parquet.read_table(out).to_pylist()
    assert sorted(Path(row["path"]).name for row in rows) == sorted(
        ["a.png", "b.PNG", "empty.png", "noise.png", "text.png"]
    )
    assert first[0] in rows
    assert main(["screen", str(films), *command]) == 0
    assert "5 of them judged before" in capsys.readouterr().err
    assert parquet.read_table(out).num_rows == 5


def test_a_table_is_csv_or_parquet(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["screen", str(films), "--card", CLASSIFIER.id, "--out", str(tmp_path / "out.xlsx")]) == 2
    assert ".csv" in capsys.readouterr().err


def test_without_ray_the_engine_says_what_to_install(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "core.batch.ray_engine", None)
    options = ["--card", CLASSIFIER.id, "--out", str(tmp_path / "out.csv"), "--engine", "ray"]
    assert main(["screen", str(films), *options]) == 2
    assert "requirements-cluster.txt" in capsys.readouterr().err


def exported(path: Path, *names: str, card: str = CLASSIFIER.id) -> Path:
    points = [
        NamedPoint(
            name=name, card=card, sha256=CLASSIFIER.sha256, policy="manual", split="validation", threshold=2.0
        )
        for name in names
    ]
    path.write_text(operating_points.export(points))
    return path


def test_screening_takes_an_operating_point_from_the_page(films: Path, tmp_path: Path):
    point, out = exported(tmp_path / "points.json", "strict"), tmp_path / "out.csv"
    options = ["--card", CLASSIFIER.id, "--out", str(out), "--operating-point", str(point)]
    assert main(["screen", str(films / "deeper"), *options]) == 0
    with out.open() as file:
        (row,) = csv.DictReader(file)
    assert (row["threshold"], row["verdict"]) == ("2", "normal")


def test_of_several_operating_points_one_must_be_named(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    point, out = exported(tmp_path / "points.json", "strict", "mild"), tmp_path / "out.csv"
    options = ["--card", CLASSIFIER.id, "--out", str(out), "--operating-point", str(point)]
    assert main(["screen", str(films / "deeper"), *options]) == 2
    assert "'strict', 'mild'" in capsys.readouterr().err
    assert main(["screen", str(films / "deeper"), *options, "--point", "mild"]) == 0


def test_an_operating_point_of_another_card_is_refused(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    point = exported(tmp_path / "points.json", "strict", card="other")
    options = ["--card", CLASSIFIER.id, "--out", str(tmp_path / "o.csv"), "--operating-point", str(point)]
    assert main(["screen", str(films), *options]) == 2
    assert "made for card 'other'" in capsys.readouterr().err


def test_evaluate_measures_a_folder_per_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name, opacity in (("Normal", 0.0), ("PNEUMONIA", 0.4)):
        folder = tmp_path / name
        folder.mkdir()
        for seed in range(3):
            (folder / f"{seed}.png").write_bytes(png(chest(opacity=opacity, seed=seed)))
    assert main(["evaluate", str(tmp_path), "--card", CLASSIFIER.id, "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    point = outcome["report"]["points"][0]
    counts = [point[f"{a}_{b}"] for a in ("true", "false") for b in ("positives", "negatives")]
    assert sum(counts) == outcome["report"]["n"] == 6
    assert outcome["report"]["abnormal"] == 3
    assert point["threshold"] == CLASSIFIER.threshold
    assert main(["evaluate", str(tmp_path), "--card", CLASSIFIER.id]) == 0
    assert "AUC" in capsys.readouterr().out


def test_evaluate_refuses_folders_that_are_no_label(films: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["evaluate", str(films), "--card", CLASSIFIER.id]) == 2
    assert "deeper" in capsys.readouterr().err


def huge_png() -> bytes:
    """A PNG whose header claims 30,000 x 30,000 pixels."""
    header = b"IHDR" + (30_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0d" + header + zlib.crc32(header).to_bytes(4, "big")


BAD = {
    "cut.png": png(chest())[:900],
    "text.png": b"not a picture",
    "empty.png": b"",
    "huge.png": huge_png(),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gives_one_line_that_names_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / name).write_bytes(BAD[name])
    assert main(["predict", str(tmp_path / name), "--card", CLASSIFIER.id]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert name in message


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "missing.png", "--card", CLASSIFIER.id],
        ["predict", "missing.png", "--card", "no-such-card"],
        ["screen", "missing", "--card", CLASSIFIER.id, "--out", "OUT"],
        ["evaluate", "missing", "--card", CLASSIFIER.id],
    ],
)
def test_nothing_readable_is_exit_code_two(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert (
        main(
            [
                a.replace("OUT", str(tmp_path / "o.csv")).replace("missing", str(tmp_path / "no"))
                for a in arguments
            ]
        )
        == 2
    )
    assert "Traceback" not in capsys.readouterr().err


def test_evaluate_takes_a_table_of_labels_and_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    films = {f"{name}.png": png(chest(opacity=0.4 * (name > "b"), seed=ord(name))) for name in "abcde"}
    for name, film in films.items():
        (tmp_path / name).write_bytes(film)
    table = tmp_path / "labels.csv"
    table.write_text("Name;Label\na.png;0\nb.png;normal\nc.png;1\nd.png;Pneumonia\ne.png;frog\n", "utf-16")
    command = ["evaluate", str(tmp_path), "--card", CLASSIFIER.id, "--labels", str(table), "--json"]
    assert main(command) == 0
    told = capsys.readouterr()
    outcome = json.loads(told.out)
    assert (outcome["report"]["n"], outcome["report"]["abnormal"]) == (4, 2)
    assert "frog: " in told.err
    assert outcome["remarks"][0] in told.err


def test_evaluate_measures_a_detector_against_everything_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for name, opacity in (("normal", 0.0), ("tuberculosis", 0.4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(png(chest(opacity=opacity)))
    assert main(["evaluate", str(tmp_path), "--card", DETECTOR.id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"]["abnormal"] == 1


def test_a_reader_that_has_seen_enough_is_no_error():
    command = [sys.executable, "-m", "core", "cards", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        listing.stdout.close()
        assert listing.stderr is not None
        assert listing.stderr.read() == b""
    assert listing.returncode == 0


def test_bad_usage_is_exit_code_two():
    done = subprocess.run([sys.executable, "-m", "core", "predict"], capture_output=True, check=False)
    assert done.returncode == 2
