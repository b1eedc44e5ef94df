"""python -m core outline, as scripts use it."""

import json
from io import BytesIO
from pathlib import Path

import highdicom
import numpy as np
import pytest
from PIL import Image

from core import gate, samples
from core.__main__ import main
from core.anatomy import outlines
from tests.phantoms.chest import chest, png
from tests.phantoms.dicom import film
from tests.phantoms.outlines import Bright, card, squares

CARD = "brain-tumour-outline"


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch) -> str:
    """A card that outlines white squares, and a gate that lets drawings pass."""
    monkeypatch.setattr(outlines, "load", lambda _: (card(), Bright()))
    monkeypatch.setattr(gate, "check", lambda *_, **__: None)
    return card().id


def test_picture_mask_and_json_tell_the_same_area(
    bright: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    scan, out, mask = (tmp_path / name for name in ("scan.png", "out.png", "mask.png"))
    pixels = squares((40, 30)).numpy()
    scan.write_bytes(png(pixels))
    options = ["--card", bright, "--out", str(out), "--mask", str(mask), "--json"]
    assert main(["outline", str(scan), *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["areas"] == [{"pixels": 400, "side": ""}]
    assert (answer["pixels"], answer["share_of"], answer["square_millimetres"]) == (400, "picture", None)
    assert np.array_equal(np.asarray(Image.open(mask)) == 255, pixels > 0.9)
    drawn = np.asarray(Image.open(out)).astype(int)
    coloured = (drawn.max(2) - drawn.min(2)) > 60
    assert coloured[38:62, 28:52].any()
    assert not coloured[100:].any()


def test_a_dicom_film_gives_a_dicom_seg_and_square_millimetres(
    bright: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    scan, seg = tmp_path / "scan.dcm", tmp_path / "seg.dcm"
    stored = (squares((40, 30)).numpy() * 60000).astype(np.uint16)
    tags = {"StudyInstanceUID": "1.2.4", "SeriesInstanceUID": "1.2.5", "PatientName": "Doe^Jane"}
    scan.write_bytes(film(stored, PixelSpacing=[0.5, 0.5], **tags))
    options = ["--card", bright, "--out", str(tmp_path / "out.png"), "--seg", str(seg)]
    assert main(["outline", str(scan), *options]) == 0
    assert "100 mm²" in capsys.readouterr().out
    assert highdicom.seg.segread(BytesIO(seg.read_bytes())).pixel_array.sum() == 400
    assert b"Doe" not in seg.read_bytes()
    assert main(["outline", str(scan), *options, "--keep-patient"]) == 0
    assert b"Doe" in seg.read_bytes()


def test_a_picture_has_no_dicom_seg_and_nothing_is_written(
    bright: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    scan, out = tmp_path / "scan.png", tmp_path / "out.png"
    scan.write_bytes(png(squares((40, 30)).numpy()))
    options = ["--card", bright, "--out", str(out), "--seg", str(tmp_path / "seg.dcm")]
    assert main(["outline", str(scan), *options]) == 2
    assert "no DICOM file" in capsys.readouterr().err
    assert not out.exists()


def test_a_chest_film_is_no_brain_slice_unless_a_person_insists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    scan, out = tmp_path / "film.png", tmp_path / "out.png"
    scan.write_bytes(png(chest()))
    assert main(["outline", str(scan), "--card", CARD, "--out", str(out)]) == 2
    assert "Not read" in capsys.readouterr().err
    assert main(["outline", str(scan), "--card", CARD, "--out", str(out), "--override-gate"]) == 0
    assert "at your request" in capsys.readouterr().err


def test_a_sample_with_a_tumour_is_outlined(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (sample,) = [each for each in samples.every() if each.path.name == "brain-tumour-1.png"]
    scan, out = tmp_path / "slice.png", tmp_path / "out.png"
    scan.write_bytes(samples.read(sample))
    assert main(["outline", str(scan), "--card", CARD, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["share_of"] == "head"
    assert 0 < answer["share"] < 0.3
