"""Headers that lack elements or contradict their pixels: read as the pixels have it, and said."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate

from core.errors import UnreadableImage
from core.reading import images
from core.types import View
from tests.phantoms.chest import chest
from tests.phantoms.dicom import film

EIGHT = np.rint(chest() * 255).astype(np.uint8)
TWELVE = np.rint(chest() * 4095).astype(np.uint16)
WINDOW = {"BitsStored": 12, "WindowCenter": 2048, "WindowWidth": 4096}
GREY = EIGHT / 255


def plain(**tags):
    return film(TWELVE, **(WINDOW | tags))


def spelt(data, keyword, value):
    """The film with another text in a tag of text that was written as 9s of the same length."""
    written = b"9" * len(value)
    assert written in data, keyword
    return data.replace(written, value)


def read(data, expected=TWELVE / 4095, within=0.001):
    scan = images.read(data, "film.dcm")
    assert np.abs(scan.pixels - expected).max() <= within
    return scan


def says(scan, *words):
    assert all(any(word in note for note in scan.notes) for word in words), scan.notes


@pytest.mark.parametrize("values", [("", ""), ("", "0"), ("0", "0")])
def test_rescale_that_is_empty_or_zero_is_none(values):
    slope, intercept = values
    data = plain(RescaleSlope=0, RescaleIntercept=0)
    if slope != "0":
        data = plain(RescaleSlope=slope, RescaleIntercept=intercept)
    says(read(data), "RescaleSlope (0028,1053)")


@pytest.mark.parametrize("text", [b"nan ", b"inf ", b"-inf", b"1e99", b"ABCD", b"1,0 ", b"1.0,"])
def test_no_number_refuses_a_film(text):
    for tag in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"):
        tags = {tag: "9999"}
        scan = images.read(spelt(film(TWELVE, BitsStored=12, **tags), tag, text), "film.dcm")
        assert scan.pixels.max() > 0.5, tag


@pytest.mark.parametrize("comma", [b"2048,0", b"2048.0"])
def test_a_decimal_comma_is_a_point(comma):
    data = film(TWELVE, BitsStored=12, WindowCenter="999999", WindowWidth="777777")
    data = spelt(data, "WindowCenter", comma).replace(b"777777", b"4096" + comma[-2:])
    assert read(data).window == "window 2048 / 4096"


@pytest.mark.parametrize(
    ("centre", "width"), [([2048, 2048], [-5, 4096]), ([9, 2048], [0, 4096]), ([100, 2048], [-1, 4096])]
)
def test_a_window_that_is_none_falls_to_the_next(centre, width):
    data = film(TWELVE, BitsStored=12, WindowCenter=centre, WindowWidth=width)
    assert read(data).window == "window 2048 / 4096"


def test_without_a_good_window_the_full_range_is_shown_and_said():
    low, high = TWELVE.min(), TWELVE.max()
    scan = read(
        film(TWELVE, BitsStored=12, WindowCenter=9, WindowWidth=-5), (TWELVE - low) / float(high - low)
    )
    assert scan.window == "full range"
    says(scan, "(0028,1051)")


@pytest.mark.parametrize("function", ["SAMPLED_SIGMOID", "CUBIC", "linear", ""])
def test_an_unknown_function_is_read_as_linear(function):
    assert read(plain(VOILUTFunction=function)).window == "window 2048 / 4096"


@pytest.mark.parametrize("width", ["1", "0.5"])
def test_a_linear_window_of_width_1_or_less_is_no_step(width):
    slope = float(width) / 4095
    data = film(TWELVE, BitsStored=12, RescaleSlope=f"{slope:.10f}", RescaleIntercept=0,
                WindowCenter=str(float(width) / 2), WindowWidth=width)  # fmt: skip
    read(data)


BARS = 20
PADDED = np.pad(TWELVE, ((0, 0), (BARS, BARS)), constant_values=9)
INSIDE = np.pad(np.ones(TWELVE.shape, bool), ((0, 0), (BARS, BARS)))


@pytest.mark.parametrize(("first", "last"), [(0, 10), (10, 0), (9, None), (9, 9)])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_before_window_and_inversion(first, last, photometric):
    stored = np.where(INSIDE, np.maximum(PADDED, 20), PADDED)
    tags = {"PixelPaddingValue": first, "PhotometricInterpretation": photometric}
    tags |= {} if last is None else {"PixelPaddingRangeLimit": last}
    inner = stored / 4095 if photometric == "MONOCHROME2" else 1 - stored / 4095
    read(film(stored.astype(np.uint16), **WINDOW, **tags), np.where(INSIDE, inner, 0))


@pytest.mark.parametrize(("bits", "padding"), [(16, 63536), (16, -2000), (12, 2096), (12, 63536)])
def test_padding_is_compared_as_bits(bits, padding):
    signed = np.where(INSIDE, PADDED.astype(np.int32) - 1500, -2000).clip(-2048, 2047)
    inner = signed[INSIDE]
    stored = (signed & ((1 << bits) - 1)).astype(np.uint16)
    data = film(stored, BitsStored=bits, PixelRepresentation=1, PixelPaddingValue=7777)
    data = data.replace(struct.pack("<H", 7777), struct.pack("<H", padding & 0xFFFF))
    expected = np.where(INSIDE, (signed - inner.min()) / np.ptp(inner), 0)
    read(data, expected)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("PixelRepresentation", "PixelRepresentation (0028,0103) is missing: read as unsigned."),
        ("SamplesPerPixel", "SamplesPerPixel (0028,0002) is missing: read as 1."),
        (
            "PhotometricInterpretation",
            "PhotometricInterpretation (0028,0004) is missing: read as MONOCHROME2.",
        ),
        ("BitsAllocated", "BitsAllocated (0028,0100) is missing: read as 16."),
    ],
)
def test_what_is_missing_is_taken_from_the_pixels_and_named(tag, words):
    from tests.phantoms.dicom import film as complete

    data = complete(TWELVE, **WINDOW)
    says(read(without(data, tag)), words)


def without(data, keyword):
    """The film without one element, as pydicom would not write it."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    at = data.index(head, 132)
    (length,) = struct.unpack_from("<H", data, at + 6)
    return data[:at] + data[at + 8 + length :]


def altered(data, keyword, value):
    """The film with another number in an element of one short."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    head = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, b"US", 2)
    at = data.index(head, 132)
    return data[: at + 8] + struct.pack("<H", value) + data[at + 10 :]


@pytest.mark.parametrize(
    ("tag", "value"), [("PixelRepresentation", 7), ("SamplesPerPixel", 3), ("SamplesPerPixel", 0),
                       ("BitsStored", 0), ("BitsStored", 77), ("BitsStored", 8), ("HighBit", 3),
                       ("HighBit", 99)]
)  # fmt: skip
def test_numbers_that_the_pixels_refute_do_not_count(tag, value):
    read(altered(plain(), tag, value))


def test_signed_values_that_tear_the_film_are_read_without_sign():
    data = film(TWELVE, **WINDOW, Modality="DX", PixelRepresentation=1)
    says(read(data), "PixelRepresentation (0028,0103) says signed and the film tears")


def test_one_hot_pixel_does_not_set_the_full_range():
    stored, inner = TWELVE.copy(), TWELVE.astype(float)
    stored[3, 3], inner[3, 3] = 65535, TWELVE.max()
    read(film(stored), (inner - TWELVE.min()) / np.ptp(TWELVE))


def test_bits_above_the_stored_ones_are_left_out_where_they_hold_an_overlay():
    stored = TWELVE.copy()
    stored[50:60, 50:150:2] |= 1 << 13
    read(film(stored, **WINDOW))


@pytest.mark.parametrize("said", ["monochrome2", "MONOCHROME 2", "MONOCHROME_2", "GRAYSCALE", "GREEN", ""])
def test_the_photometric_interpretation_may_be_misspelt(said):
    says(read(plain(PhotometricInterpretation=said)), "PhotometricInterpretation (0028,0004)")
    white = read(plain(PhotometricInterpretation="monochrome 1"), 1 - TWELVE / 4095)
    says(white, "misspelt: read as MONOCHROME1")


def test_missing_rows_are_named():
    with pytest.raises(UnreadableImage, match=r"says nothing of Columns \(0028,0011\)"):
        images.read(without(plain(), "Columns"), "film.dcm")


def no_syntax(data):
    (length,) = struct.unpack_from("<I", data, 140)
    meta, body = data[144 : 144 + length], data[144 + length :]
    at = meta.index(b"\x02\0\x10\0UI")
    (long,) = struct.unpack_from("<H", meta, at + 6)
    meta = meta[:at] + meta[at + 8 + long :]
    return data[:140] + struct.pack("<I", len(meta)) + meta + body


@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian]
)
def test_a_missing_transfer_syntax_is_seen_from_the_elements(syntax):
    big = syntax == uid.ExplicitVRBigEndian
    stored = TWELVE.astype(">u2").view("<u2") if big else TWELVE
    says(read(no_syntax(film(stored, syntax=syntax, **WINDOW))), "TransferSyntaxUID (0002,0010) is missing")


def jpeg(pixels, **options):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=98, **options)
    return file.getvalue()


def test_a_missing_transfer_syntax_is_seen_from_a_jpeg_stream():
    data = film(EIGHT, syntax=uid.JPEGBaseline8Bit, encoded=encapsulate([jpeg(EIGHT)]))
    read(no_syntax(data), GREY, 0.03)
    lie = film(EIGHT, syntax=uid.JPEG2000, encoded=encapsulate([jpeg(EIGHT)]))
    lie = lie.replace(uid.JPEG2000.encode(), uid.ExplicitVRLittleEndian.encode().ljust(22, b"\0")[:22])
    says(read(lie, GREY, 0.03), "the pixels do not: read as JPEG Baseline")


@pytest.mark.parametrize("cut", [132, 128])
def test_a_missing_preamble_is_read_without(cut):
    says(read(plain()[cut:]), "lacks its preamble")


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
def test_a_file_without_preamble_and_meta_group_is_read(syntax):
    data = plain(syntax=syntax)
    (length,) = struct.unpack_from("<I", data, 140)
    says(read(data[144 + length :]), "lacks its preamble", "TransferSyntaxUID")


def test_something_in_front_of_the_preamble_is_passed_over():
    read(b"\0" * 700 + plain())


@pytest.mark.parametrize(
    "behind", [b"\xff" * 512, bytes(512), b"\0", b"PK\3\4 a zip", b"\xfc\xff\xfc\xffOB\0\0"]
)
def test_what_stands_behind_the_pixels_is_not_looked_at(behind):
    read(plain() + behind)


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1", "RGB"])
def test_a_grey_film_written_three_times_is_grey(photometric):
    data = film(np.dstack([EIGHT] * 3), PhotometricInterpretation=photometric)
    scan = read(data, 1 - GREY if photometric == "MONOCHROME1" else GREY)
    assert scan.colour_share == 0


@pytest.mark.parametrize("said", [0, 1, None])
@pytest.mark.parametrize("planar", [0, 1])
def test_the_planar_configuration_is_seen_from_a_grey_film(said, planar):
    three = np.dstack([EIGHT] * 3)
    stored = np.moveaxis(three, 2, 0).reshape(three.shape) if planar else three
    scan = read(film(np.ascontiguousarray(stored), PlanarConfiguration=said), GREY)
    assert scan.colour_share == 0


def test_colour_of_16_bits_keeps_them():
    three = np.dstack([TWELVE] * 3)
    read(film(three, BitsStored=16))
    tinted = np.dstack([TWELVE, TWELVE // 2, TWELVE])
    luma = (TWELVE * 0.413 + TWELVE // 2 * 0.587) / 4095
    read(film(tinted, BitsStored=16), luma)


def unmarked(stream):
    """A JPEG without its JFIF or Adobe marker."""
    (length,) = struct.unpack_from(">H", stream, 4)
    return stream[:2] + stream[4 + length :]


@pytest.mark.parametrize("said", ["RGB", "YBR_FULL", "YBR_FULL_422", "MONOCHROME2"])
@pytest.mark.parametrize("stored", ["ycc", "rgb"])
def test_a_jpeg_that_says_nothing_of_its_colours_is_grey_when_the_film_is(said, stored):
    three = np.dstack([EIGHT] * 3)
    stream = unmarked(jpeg(three, keep_rgb=True)) if stored == "rgb" else unmarked(jpeg(three, subsampling=0))
    data = film(
        three, syntax=uid.JPEGBaseline8Bit, encoded=encapsulate([stream]), PhotometricInterpretation=said
    )
    scan = read(data, GREY, 0.03)
    assert scan.colour_share == 0


def test_the_first_window_that_shows_something_is_used_and_said():
    data = film(TWELVE, BitsStored=12, WindowCenter=[30000, 2048], WindowWidth=[10, 4096])
    scan = read(data)
    assert scan.windows[0] == scan.window == "window 2048 / 4096"
    says(scan, "window 30000 / 10 shows nothing of this film: window 2048 / 4096 is used.")
    dark = images.read(data, "film.dcm", View(window="window 30000 / 10"))
    assert dark.pixels.max() == 0
    assert dark.digest != scan.digest
