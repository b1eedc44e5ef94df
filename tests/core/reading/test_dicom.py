"""DICOM bytes -> Scan: known pixel values, hostile files, and nothing of the patient left."""

import logging
import os
import tracemalloc
import zlib
from dataclasses import fields
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import config, uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from core.errors import UnreadableImage
from core.reading import dicom, images
from tests.phantoms.dicom import film, pixels

DATA = os.environ.get("OPACITY_DATA")
with_data = pytest.mark.skipif(not DATA, reason="OPACITY_DATA names no folder with real files")


def test_8_bits_without_a_window_keep_their_range():
    scan = images.read(film(np.array([[51, 102]], np.uint8)), "film.dcm")
    assert scan.pixels == pytest.approx(np.array([[0.2, 0.4]]))
    assert scan.pixels.dtype == np.float32
    assert scan.modality == "CR"
    assert scan.colour_share == 0
    with pytest.raises(ValueError, match="read-only"):
        scan.pixels[0, 0] = 1


def test_more_than_8_bits_without_a_window_stretch_over_the_values_in_use():
    assert pixels([[1000, 2000, 3000]], BitsStored=12).tolist() == [[0, 0.5, 1]]
    assert pixels(np.array([[-1000, 0, 1000]], np.int16)).tolist() == [[0, 0.5, 1]]
    assert pixels([[700, 700]], BitsStored=12).max() == 0


def test_monochrome1_is_inverted():
    stored = np.array([[0, 51, 255]], np.uint8)
    assert pixels(stored, PhotometricInterpretation="MONOCHROME1") == pytest.approx(np.array([[1, 0.8, 0]]))


def test_the_first_linear_window_applies_as_in_the_standard():
    stored, expected = [[0, 50, 75, 100, 150, 200]], np.array([[0, 0, 0.25, 0.5, 1, 1]])  # shown: 50 to 150
    assert pixels(stored, WindowCenter=100.5, WindowWidth=101) == pytest.approx(expected)
    assert pixels(stored, WindowCenter=[100.5, 9], WindowWidth=[101, 9]) == pytest.approx(expected)


def test_exact_and_sigmoid_windows_apply():
    stored = np.array([[50, 100, 150]], np.uint16)
    exact = pixels(stored, WindowCenter=100, WindowWidth=200, VOILUTFunction="LINEAR_EXACT")
    assert exact == pytest.approx(np.array([[0.25, 0.5, 0.75]]))
    sigmoid = pixels(stored, WindowCenter=100, WindowWidth=200, VOILUTFunction="SIGMOID")
    assert sigmoid == pytest.approx(np.array([[1 / (1 + np.e), 0.5, 1 / (1 + 1 / np.e)]]))


def test_a_window_of_no_width_counts_as_none():
    assert pixels([[0, 100, 200]], WindowCenter=0, WindowWidth=0).tolist() == [[0, 0.5, 1]]


def test_rescale_comes_before_the_window():
    window = {"WindowCenter": 100.5, "WindowWidth": 201}
    shown = pixels(np.array([[0, 525, 1075]], np.uint16), RescaleSlope=2, RescaleIntercept=-1000, **window)
    assert shown == pytest.approx(np.array([[0, 0.25, 1]]))  # -1000, 50 and 1150 in a window of 0 to 200


def test_a_voi_lookup_table_applies():
    table = Dataset()
    table.LUTDescriptor = [4, 10, 8]
    table.LUTData = [0, 51, 102, 255]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    shown = pixels(np.array([[0, 11, 12, 99]], np.uint16), VOILUTSequence=[table])
    assert shown == pytest.approx(np.array([[0, 0.2, 0.4, 1]]))


def test_padding_is_black_and_does_not_stretch_the_range():
    stored = np.array([[-2000, 0, 50, 100]], np.int16)
    assert pixels(stored, PixelPaddingValue=-2000).tolist() == [[0, 0, 0.5, 1]]
    inverted = pixels(stored, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")
    assert inverted.tolist() == [[0, 1, 0.5, 0]]


def test_burned_in_text_is_known_from_the_tag():
    assert images.read(film(DARK, BurnedInAnnotation="YES"), "film.dcm").burned_in
    assert not images.read(film(DARK, BurnedInAnnotation="NO"), "film.dcm").burned_in


def test_every_native_syntax_gives_the_same_pixels():
    stored = np.array([[1000, 2000, 3000, 5000]], np.uint16)
    expected = pixels(stored)
    assert np.array_equal(pixels(stored, syntax=uid.ImplicitVRLittleEndian), expected)
    assert np.array_equal(pixels(stored, syntax=uid.DeflatedExplicitVRLittleEndian), expected)
    big = np.frombuffer(stored.astype(">u2").tobytes(), np.uint16).reshape(stored.shape)
    assert np.array_equal(pixels(big, syntax=uid.ExplicitVRBigEndian), expected)


def test_baseline_jpeg_is_decoded():
    file = BytesIO()
    Image.new("L", (16, 8), 102).save(file, "JPEG", quality=95)
    frame = encapsulate([file.getvalue()])
    shown = pixels(np.zeros((8, 16), np.uint8), syntax=uid.JPEGBaseline8Bit, encoded=frame)
    assert shown == pytest.approx(np.full((8, 16), 0.4), abs=0.01)


def test_colour_becomes_luma_and_its_share_is_kept():
    scan = images.read(film(np.array([[[255, 0, 0], [90, 90, 90]]], np.uint8)), "film.dcm")
    assert scan.pixels[0] * 255 == pytest.approx([76, 90])
    assert scan.colour_share == 0.5


def test_whitelisted_tags_survive_and_are_short():
    tags = {"ViewPosition": "PA", "PixelSpacing": [0.1, 0.1], "KVP": "120"}
    long = "CHEST<script>" + "A" * 60
    scan = images.read(film(np.zeros((2, 2), np.uint8), **tags, BodyPartExamined=long), "film.dcm")
    assert scan.acquisition["ViewPosition"] == "PA"
    assert scan.acquisition["PixelSpacing"] == "0.1, 0.1"
    assert scan.acquisition["KVP"] == "120"
    assert scan.acquisition["BodyPartExamined"].startswith("CHESTscriptAA")
    assert max(map(len, scan.acquisition.values())) <= 32


@pytest.mark.parametrize(
    ("told", "years"),
    [("045Y", 45), ("018M", 1), ("003W", 0), ("097Y", 90), ("", None), ("old", None), ("45", None)],
)
def test_of_an_age_whole_years_survive_and_none_that_names_a_person(told: str, years: int | None):
    data = np.zeros((2, 2), np.uint8)
    with config.disable_value_validation():
        scan = images.read(film(data, PatientAge=told), "film.dcm")
    assert scan.age == years


NAMES = ("PatientName", "PatientID", "PatientAddress", "InstitutionName", "ReferringPhysicianName")
IDENTIFYING = {
    **dict.fromkeys(NAMES, "PLANTED"),
    "PatientBirthDate": "19990131",
    "StudyDate": "19990131",
    "StudyDescription": "PLANTED STUDY",
    "SeriesInstanceUID": "1.19990131.1",
    "ImageComments": "PLANTED COMMENT",
}


def test_nothing_that_identifies_a_person_survives():
    scan = images.read(film(np.zeros((2, 2), np.uint8), **IDENTIFYING), "film.dcm")
    text = "".join(repr(getattr(scan, part.name)) for part in fields(scan))
    assert "PLANTED" not in text
    assert "19990131" not in text


def test_neither_log_nor_error_quotes_the_header(caplog):
    data = film(np.zeros((2, 2), np.uint8), WindowCenter=[10], WindowWidth=[10], **IDENTIFYING)
    damaged = data.replace(b"10\x20\x20", b"PLAN").replace(b"10", b"PL")
    with caplog.at_level(logging.DEBUG), pytest.raises(UnreadableImage) as caught:
        dicom.read(damaged, "film.dcm")
    assert "PLAN" not in str(caught.value) + caplog.text
    assert caught.value.__suppress_context__


JPEG12 = encapsulate([b"\xff\xd8\xff\xc1\0\x0b\x0c\0\2\0\2\1\1\x11\0\xff\xd9"])  # a header of 2 x 2 pixels
DARK, DEEP = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint16)
REFUSED = {
    "a million frames": (film(DARK, NumberOfFrames=1_000_000), "claims 1,000,000 frames"),
    "no pixel data": (film(DARK, PixelData=None, Modality="SR"), r"no image \(modality SR\)"),
    "too many pixels": (film(DARK, Rows=60000, Columns=60000), "claims 60000 x 60000"),
    "no rows": (film(DARK, Rows=0), "claims 2 x 0"),
    "too many bits": (film(np.zeros((2, 2), np.uint32)), "uses 32 bits"),
    "fewer pixels than claimed": (film(DARK, Rows=900), "cut short"),
    "no rows at all": (film(DARK, Rows=None), r"says nothing of Rows \(0028,0010\)"),
    "a video": (film(DARK, syntax=uid.MPEG2MPML, encoded=encapsulate([b"abcd"])), "is stored as MPEG2 Main"),
    "12 bits": (film(DEEP, BitsStored=12, syntax=uid.JPEGExtended12Bit, encoded=JPEG12), "12-bit JPEG"),
    "nothing after the magic": (bytes(128) + b"DICM", "holds no image"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_film_is_refused_in_one_sentence(case):
    data, words = REFUSED[case]
    with pytest.raises(UnreadableImage, match=rf"^film\.dcm .*{words}.*: [a-z0-9 ]+\.$"):
        images.read(data, "film.dcm")


def test_a_stream_larger_than_its_header_is_refused():
    file = BytesIO()
    Image.new("L", (3000, 3000)).save(file, "JPEG")
    frame = encapsulate([file.getvalue()])
    data = film(np.zeros((8, 8), np.uint8), syntax=uid.JPEGBaseline8Bit, encoded=frame)
    with pytest.raises(UnreadableImage, match="unsupported variant"):
        images.read(data, "film.dcm")


def test_a_deflated_bomb_is_refused_in_little_memory():
    deflated = film(np.zeros((2, 2), np.uint8), syntax=uid.DeflatedExplicitVRLittleEndian)
    meta = deflated[: 132 + 12 + int.from_bytes(deflated[140:144], "little")]
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = meta + b"".join(packer.compress(bytes(2**20)) for _ in range(400)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableImage, match=r"^film\.dcm holds more than 128 MB once inflated"):
            dicom.read(bomb, "film.dcm")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


def test_a_film_cut_anywhere_is_refused():
    data = film(np.arange(64, dtype=np.uint16).reshape(8, 8))
    for length in range(132, len(data) - 1, 7):
        with pytest.raises(UnreadableImage, match=r"^film "):
            images.read(data[:length], "film")


def test_altered_bytes_give_a_scan_or_a_refusal_and_nothing_else():
    random = np.random.default_rng(0)
    whole = film(
        np.arange(64, dtype=np.uint16).reshape(8, 8), WindowCenter=30, WindowWidth=40, RescaleSlope=2
    )
    for _ in range(500):
        data = bytearray(whole)
        for at in random.integers(132, len(data), 3):
            data[at] = random.integers(0, 256)
        holds_its_promise(bytes(data))


def holds_its_promise(data):
    """Whether it was read; anything but a valid Scan or UnreadableImage fails the test."""
    try:
        scan = images.read(data, "film")
    except UnreadableImage:
        return False
    assert scan.pixels.ndim == 2
    assert scan.pixels.dtype == np.float32
    assert np.isfinite(scan.pixels).all()
    assert 0 <= scan.pixels.min() <= scan.pixels.max() <= 1
    return True


def real_files(folder):
    return [path for path in sorted(Path(DATA, "dicom", folder).rglob("*")) if path.is_file()]


@with_data
def test_all_real_films_are_read():
    scans = {path.name: images.read(path.read_bytes(), path.name) for path in real_files("cxr")}
    assert {scan.modality for scan in scans.values()} == {"CR", "CT"}
    lossy, near_lossless = scans["RG1_J2KI.dcm"].pixels, scans["RG1_JLSN.dcm"].pixels
    assert lossy.shape == (1955, 1841)
    assert np.abs(lossy - near_lossless).mean() < 0.01  # two decoders, one film
    assert scans["RG1_J2KI.dcm"].acquisition["ViewPosition"] == "PA"


@with_data
def test_one_slice_reads_alike_from_every_lossless_syntax():
    slices = [path for path in real_files("ct") if path.name.startswith("CTImage.dcm_")]
    lossless = ("LittleEndianImplicit", "RLELossless", "JPEGLSLossless", "JPEGProcess14Transfer")
    same = [
        images.read(path.read_bytes(), path.name) for path in slices if any(n in path.name for n in lossless)
    ]
    assert len(same) == 4
    assert all(np.array_equal(scan.pixels, same[0].pixels) for scan in same)
