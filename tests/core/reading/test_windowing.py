"""What a DICOM file can show: its windows, presets, frames, and odd ways to store values."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from core.errors import UnknownName, UnreadableImage
from core.reading import images
from core.types import View
from tests.phantoms.dicom import film, pixels


def test_the_windows_of_a_file_are_offered_and_chosen():
    data = film(np.array([[0, 50, 100]], np.uint16), WindowCenter=[50.5, 100.5], WindowWidth=[101, 201])
    scan = images.read(data, "film.dcm")
    assert scan.windows == ("window 50.5 / 101", "window 100.5 / 201", "full range")
    assert scan.window == scan.windows[0]
    wide = images.read(data, "film.dcm", View(window=scan.windows[1]))
    assert wide.pixels == pytest.approx(np.array([[0, 0.25, 0.5]]))
    assert wide.digest != scan.digest
    assert images.read(data, "film.dcm", View(window=scan.window)).digest == scan.digest
    with pytest.raises(UnknownName, match=r"No window 'bone'\. Choose from: window 50.5 / 101,"):
        images.read(data, "film.dcm", View(window="bone"))


def test_ct_offers_presets_in_hounsfield_units():
    stored = np.array([[1024, 1064, 1104]], np.uint16)  # 0, 40 and 80
    data = film(stored, Modality="CT", RescaleIntercept=-1024, RescaleSlope=1)
    scan = images.read(data, "slice.dcm")
    assert scan.window == "full range"
    assert {"brain 40 / 80", "lung -600 / 1500", "bone 400 / 1800"} <= set(scan.windows)
    brain = images.read(data, "slice.dcm", View(window="brain 40 / 80")).pixels
    assert brain == pytest.approx(np.array([[0.0, 0.5, 1.0]]), abs=0.01)


def test_frames_are_counted_and_chosen():
    stored = np.arange(12, dtype=np.uint8).reshape(2, 6)
    data = film(stored, Rows=1, NumberOfFrames=2)  # two frames of one row
    assert images.read(data, "film.dcm").frames == 2
    second = images.read(data, "film.dcm", View(frame=1))
    assert second.pixels * 255 == pytest.approx(stored[1:])
    with pytest.raises(UnreadableImage, match="2 frames and no number 3"):
        images.read(data, "film.dcm", View(frame=2))


def test_an_enhanced_file_keeps_rescale_and_window_per_frame():
    def group(centre):
        window, rescale, both = Dataset(), Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, 101
        rescale.RescaleSlope, rescale.RescaleIntercept = 1, -1000
        both.FrameVOILUTSequence, both.PixelValueTransformationSequence = [window], [rescale]
        return both

    stored = np.array([[1000, 1050, 1100]] * 2, np.uint16)
    groups = [group(50.5), group(100.5)]
    data = film(stored, Rows=1, NumberOfFrames=2, PerFrameFunctionalGroupsSequence=groups)
    assert images.read(data, "x.dcm").pixels == pytest.approx(np.array([[0, 0.5, 1]]))
    assert images.read(data, "x.dcm", View(frame=1)).pixels == pytest.approx(np.array([[0, 0, 0.5]]))


def test_signed_values_without_their_sign_extended_are_read():
    negative = np.array([[0xF9C, 0, 100]], np.uint16)  # -100 in 12 bits
    shown = pixels(negative, BitsStored=12, PixelRepresentation=1)
    assert shown.tolist() == [[0, 0.5, 1]]


def test_values_aligned_to_the_left_are_read():
    data = film(np.array([[0, 50, 100]], np.uint16) << 4, BitsStored=12)
    data = data.replace(b"\x28\0\x02\x01US\2\0\x0b\0", b"\x28\0\x02\x01US\2\0\x0f\0")  # HighBit 15
    assert images.read(data, "film.dcm").pixels.tolist() == [[0, 0.5, 1]]


def test_a_modality_table_comes_before_the_window():
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [3, 0, 16], [1000, 50, 100]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    table.ModalityLUTType = "US"
    shown = pixels([[0, 1, 2]], ModalityLUTSequence=[table], WindowCenter=50.5, WindowWidth=101)
    assert shown.tolist() == [[1, 0.5, 1]]


def test_several_tables_are_offered():
    def table(values: list[int]) -> Dataset:
        one = Dataset()
        one.LUTDescriptor, one.LUTData = [len(values), 0, 8], values
        one["LUTDescriptor"].VR = one["LUTData"].VR = "US"
        return one

    data = film(np.array([[0, 1]], np.uint16), VOILUTSequence=[table([0, 255]), table([255, 51])])
    assert images.read(data, "film.dcm").windows[:2] == ("table 1", "table 2")
    second = images.read(data, "film.dcm", View(window="table 2"))
    assert second.pixels == pytest.approx(np.array([[1, 0.2]]))
