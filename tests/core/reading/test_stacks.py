"""Zips of slices and volumes: one stack, from below upwards, the middle first, bounded as everything else."""

import gzip
import zipfile
from io import BytesIO

import nibabel
import numpy as np
import pytest

from core.errors import UnknownName, UnreadableImage
from core.reading import archives, images
from core.types import View
from tests.phantoms.dicom import film

SIDE = 8
SERIES = {"Modality": "CT", "SeriesInstanceUID": "1.2.3.4", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
          "RescaleIntercept": 0, "RescaleSlope": 1, "WindowCenter": 128, "WindowWidth": 256}  # fmt: skip


def one(height, **tags):
    """A slice whose grey is its height in the body."""
    stored = np.full((SIDE, SIDE), height, np.uint8)
    return film(stored, **(SERIES | {"ImagePositionPatient": [0, 0, height]} | tags))


def zipped(*files, form=zipfile.ZIP_DEFLATED):
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", form) as archive:
        for index, data in enumerate(files):
            archive.writestr(f"study/I{index}", data)
    return packed.getvalue()


def grey(data, frame=None, name="study.zip"):
    return round(float(images.read(data, name, View(frame=frame)).pixels.mean()) * 255)


def test_a_zip_of_slices_is_one_stack_in_the_order_of_the_body():
    data = zipped(*(one(height) for height in (40, 200, 10, 90, 160)))
    scan = images.read(data, "study.zip")
    assert (scan.frames, scan.frame, scan.stack, scan.modality) == (5, 2, True, "CT")
    assert [grey(data, frame) for frame in range(5)] == [10, 40, 90, 160, 200]
    assert images.read(data, "study.zip", View(frame=2)).digest == scan.digest
    assert images.read(data, "study.zip", View(frame=3)).digest != scan.digest
    with pytest.raises(UnreadableImage, match="5 slices and no number 6"):
        images.read(data, "study.zip", View(frame=5))


def test_without_positions_the_numbers_of_the_images_order_them():
    slices = [one(grey, InstanceNumber=11 - grey // 10, ImagePositionPatient=[]) for grey in (20, 90, 50)]
    assert [grey(zipped(*slices), frame) for frame in range(3)] == [90, 50, 20]


def test_the_largest_series_is_shown_and_the_others_are_said():
    scout = one(7, SeriesInstanceUID="1.2.3.9")
    scan = images.read(zipped(scout, *map(one, (10, 20, 30)), b"a note"), "study.zip")
    assert scan.frames == 3
    assert scan.notes[0] == "The archive holds 2 series: the largest is shown."


def test_films_in_a_zip_are_pages_and_no_stack():
    films = [film(np.full((4, 4), value, np.uint8), SeriesInstanceUID=f"1.{value}") for value in (51, 102)]
    scan = images.read(zipped(*films), "films.zip")
    assert (scan.frames, scan.frame, scan.stack) == (2, 0, False)
    assert [grey(zipped(*films), frame) for frame in (0, 1)] == [51, 102]


def test_one_file_in_a_zip_is_that_file():
    two = film(np.arange(32, dtype=np.uint8).reshape(8, 4), Rows=4, NumberOfFrames=2)
    assert images.read(zipped(two), "film.zip").frames == 2


def test_slices_sent_one_by_one_become_a_stack():
    files = [(one(height), f"{height}.dcm") for height in (30, 10, 20)]
    packed = archives.pack(files)
    assert [grey(packed, frame) for frame in range(3)] == [10, 20, 30]
    series = {images.read(*file).series for file in files}
    assert len(series) == 1
    assert "1.2.3.4" not in series.pop()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(b"Dear colleague,"), "a zip without a DICOM image"),
        (zipped(), "a zip without a DICOM image"),
        (zipped(one(9), one(10))[:300], "damaged, or locked"),
        (zipped(*[b""] * 10_001, form=zipfile.ZIP_STORED), "10,001 files, which is too many"),
    ],
)
def test_other_zips_are_refused_in_a_sentence(data, words):
    with pytest.raises(UnreadableImage, match=words):
        images.read(data, "study.zip")


def test_a_slice_that_is_a_bomb_is_refused_and_the_rest_is_read():
    bomb = one(5)[:-64] + bytes(60 * 2**20)
    data = zipped(bomb, one(10), one(20))
    assert grey(data, 1) == 10
    with pytest.raises(UnreadableImage, match="more than 50 MB"):
        images.read(data, "study.zip", View(frame=0))


def volume(values, affine=None, kind=nibabel.Nifti1Image, **scaling):
    image = kind(values, np.eye(4) if affine is None else affine)
    if scaling:
        image.header.set_slope_inter(**scaling)
    return image.to_bytes()


CUBE = np.zeros((6, 5, 4), np.int16)  # right, front, up
CUBE[5, 4, :] = 100 + np.arange(4)  # the right front edge
CUBE[0, 0, :] = 50


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("packed", [gzip.compress, bytes])
def test_a_volume_is_a_stack_of_axial_slices(kind, packed):
    data = packed(volume(CUBE, kind=kind))
    scan = images.read(data, "head.nii")
    assert (scan.frames, scan.frame, scan.stack, scan.pixels.shape) == (4, 2, True, (5, 6))
    top = images.read(data, "head.nii", View(frame=3)).pixels
    assert top[0, 0] == 1  # front up, right side left
    assert top[4, 5] == pytest.approx(50 / 103)
    assert images.read(data, "head.nii", View(frame=0)).pixels[0, 0] == pytest.approx(100 / 103)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (1, 0, 2)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_a_volume_lies_alike_however_it_is_stored(axes, signs):
    stored = CUBE[:: signs[0], :: signs[1], :: signs[2]].transpose(axes)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, world in enumerate(axes):
        affine[world, axis] = signs[world]
    data = volume(np.ascontiguousarray(stored), affine)
    for frame in range(4):
        expected = images.read(volume(CUBE), "head.nii", View(frame=frame)).pixels
        assert np.array_equal(images.read(data, "head.nii", View(frame=frame)).pixels, expected)


def test_a_ct_volume_offers_its_windows_and_is_rescaled():
    values = np.where(CUBE > 0, CUBE * 10, 0).astype(np.int16)
    data = volume(values, slope=1, inter=-1024)
    scan = images.read(data, "head.nii.gz")
    assert {"full range", "brain 40 / 80", "bone 400 / 1800"} <= set(scan.windows)
    brain = images.read(data, "head.nii", View(window="brain 40 / 80")).pixels
    assert (brain.min(), brain[0, 0]) == (0, 0)
    with pytest.raises(UnknownName, match="No window 'liver'"):
        images.read(data, "head.nii", View(window="liver"))


def test_of_several_volumes_the_first_is_shown_and_said():
    scan = images.read(volume(np.stack([CUBE, CUBE * 2], axis=3)), "bold.nii")
    assert scan.notes == ("The file holds 2 volumes: the first is shown.",)
    assert scan.frames == 4


def lying(**sides):
    data = bytearray(volume(CUBE))
    for index, side in sides.items():
        at = 40 + 2 * int(index[-1])
        data[at : at + 2] = int(side).to_bytes(2, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lying(d1=30000, d2=30000), "too many"),
        (lying(d3=400), "cut short"),
        (lying(d1=0), "no volume of grey values"),
        (volume(CUBE)[:400], "cut short|damaged"),
        (gzip.compress(volume(CUBE), mtime=0)[:60], "damaged|cut short"),
        (gzip.compress(volume(CUBE)[:352] + bytes(140 * 2**20), mtime=0), "more than 128 MB once inflated"),
        (volume(np.zeros((4, 4, 4), np.complex64)), "no volume of grey values"),
    ],
)
def test_volumes_that_lie_are_refused_in_a_sentence(data, words):
    with pytest.raises(UnreadableImage, match=words):
        images.read(data, "head.nii")
