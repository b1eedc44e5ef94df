"""Tables and palettes whose descriptors lie: the entries count, and a bad one falls to the next way."""

import struct

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from core.errors import UnreadableImage
from core.reading import images
from core.reading.tables import _spread
from core.types import View
from tests.phantoms.dicom import film

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)
WINDOW = {"BitsStored": 12, "WindowCenter": 2048, "WindowWidth": 4096}


def lut(descriptor, data, vr="US", first="US"):
    """A sequence of one table. data: values, or bytes for OW and OB."""
    item = Dataset()
    item.add_new("LUTDescriptor", first, descriptor)
    item.add_new("LUTData", vr, data)
    item.ModalityLUTType = "US"
    return Sequence([item])


def shown(stored=RAMP, name="", **tags):
    return images.read(film(stored, **tags), "film.dcm", View(window=name))


def near(scan, expected):
    return np.abs(scan.pixels - expected).max() <= 0.001


@pytest.mark.parametrize(
    ("declared", "most"), [(16, 4095), (16, 1023), (8, 4095), (12, 255), (10, 65535), (0, 255)]
)
def test_the_entries_tell_the_depth_and_not_the_descriptor(declared, most):
    entries = (np.arange(4096) * most // 4095).tolist()
    scan = shown(BitsStored=12, VOILUTSequence=lut([4096, 0, declared], entries))
    assert near(scan, np.array(entries).reshape(64, 64) / most)
    assert scan.window == "table 1"


@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian]
)
@pytest.mark.parametrize("packed", [True, False])
def test_entries_of_8_bits_are_found_in_bytes_and_in_words(syntax, packed):
    big = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    eight = np.arange(4096) >> 4
    words = eight.astype(np.uint8).view("<u2") if packed else eight.astype("<u2")
    stored = RAMP.astype(f"{big}u2").view("u2")
    scan = shown(
        stored, syntax=syntax, BitsStored=12,
        VOILUTSequence=lut([4096, 0, 8], words.astype(f"{big}u2").tobytes(), "OW"),
    )  # fmt: skip
    assert near(scan, eight.reshape(64, 64) / 255)


def test_entries_of_8_bits_in_the_high_byte_are_found():
    entries = ((np.arange(4096) >> 4) << 8).tolist()
    scan = shown(BitsStored=12, VOILUTSequence=lut([4096, 0, 16], entries))
    assert near(scan, (np.arange(4096) >> 4).reshape(64, 64) / 255)


def test_a_table_of_all_65536_entries_is_read_though_its_descriptor_cannot_say_so():
    data = np.arange(65536, dtype="<u2").tobytes()
    scan = shown(RAMP * 16, VOILUTSequence=lut([0, 0, 16], data, "OW"))
    assert near(scan, RAMP * 16 / 65535)


@pytest.mark.parametrize("intercept", [-1024, -4000])
@pytest.mark.parametrize("vr", ["US", "SS"])
def test_the_first_value_mapped_is_signed_where_rescaled_values_are(intercept, vr):
    first = intercept if vr == "SS" else intercept & 0xFFFF
    tags = {"RescaleSlope": 1, "RescaleIntercept": intercept, "BitsStored": 12}
    scan = shown(**tags, VOILUTSequence=lut([4096, first, 12], list(range(4096)), first=vr))
    assert near(scan, RAMP / 4095)


def test_the_first_value_mapped_is_signed_where_pixels_are_in_modality_tables_too():
    stored = (RAMP.astype(np.int32) - 2048).astype(np.int16)
    table = lut([4096, 63488, 12], list(range(4096)))  # -2048 as 16 bits without sign
    assert near(shown(stored, VOILUTSequence=table), RAMP / 4095)
    assert near(shown(stored, ModalityLUTSequence=table, **WINDOW), RAMP / 4095)


def test_the_first_value_mapped_is_not_signed_where_no_value_is():
    stored = RAMP + np.uint16(40000)
    scan = shown(stored, VOILUTSequence=lut([4096, 40000, 12], list(range(4096))))
    assert near(scan, RAMP / 4095)


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_a_modality_table_of_any_depth_comes_before_the_window(depth):
    scan = shown(ModalityLUTSequence=lut([4096, 0, depth], list(range(4095, -1, -1))), **WINDOW)
    assert near(scan, 1 - RAMP / 4095)


BAD = {
    "empty": lut(None, None),
    "no data": lut([4096, 0, 12], None),
    "two numbers": lut([4096, 12], list(range(4096))),
    "cut short": lut([4096, 0, 12], list(range(2000))),
    "one grey": lut([4096, 0, 12], [7] * 4096),
    "no items": Sequence([]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_table_falls_to_the_window_and_the_scan_says_so(kind):
    scan = shown(VOILUTSequence=BAD[kind], **WINDOW)
    assert near(scan, RAMP / 4095)
    assert scan.window == "window 2048 / 4096"
    assert kind == "no items" or scan.notes == ("VOI LUT 1 is empty or damaged: left out.",)
    both = shown(ModalityLUTSequence=BAD[kind], **WINDOW)
    assert near(both, RAMP / 4095)


def test_a_bad_table_falls_to_the_next_one():
    both = Sequence([*BAD["empty"], *lut([4096, 0, 12], list(range(4095, -1, -1)))])
    scan = shown(VOILUTSequence=both, **WINDOW)
    assert (scan.window, near(scan, 1 - RAMP / 4095)) == ("table 2", True)


def test_without_table_and_window_the_full_range_is_left():
    scan = shown(VOILUTSequence=BAD["empty"], BitsStored=12)
    assert (scan.window, near(scan, RAMP / 4095)) == ("full range", True)


INDEX = np.arange(256, dtype=np.uint8).reshape(16, 16)


def palette(depth, entries, count=256, segmented=False, **tags):
    tags = {"PhotometricInterpretation": "PALETTE COLOR", **tags}
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTable"
        tags[f"{keyword}Descriptor"] = [count, 0, depth]
        tags[f"{'Segmented' if segmented else ''}{keyword}Data"] = entries
    return images.read(film(INDEX, **tags), "film.dcm")


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("factor", [1, 16, 256, 257])
def test_palettes_of_few_bits_are_read_by_what_they_hold(depth, factor):
    scan = palette(depth, struct.pack("<256H", *(value * factor for value in range(256))))
    assert np.abs(scan.pixels - INDEX / 255).max() <= 0.004
    assert scan.colour_share == 0


def test_palettes_of_bytes_are_read():
    for depth in (8, 16):
        assert near(palette(depth, bytes(range(256))), INDEX / 255)


def test_segmented_palettes_are_spread_out():
    line = struct.pack("<HHH HHH", 0, 1, 0, 1, 255, 255)
    assert near(palette(16, line, segmented=True), INDEX / 255)
    assert near(palette(8, bytes([0, 1, 0, 1, 255, 255]), segmented=True), INDEX / 255)


def test_segments_are_runs_lines_and_copies():
    assert _spread([0, 2, 5, 9, 1, 4, 17], 2, 6) == [5, 9, 11, 13, 15, 17]
    assert _spread([0, 2, 5, 9, 2, 1, 0, 0], 2, 4) == [5, 9, 5, 9]
    assert _spread([2, 255, 0, 0], 2, 100) == []  # copies itself: nothing


def test_half_a_palette_is_refused_by_name():
    with pytest.raises(
        UnreadableImage, match=r"lacks its palette .*\(RedPalette\w+Data\): export it in grey"
    ):
        palette(16, bytes(100))
