"""Pixels of more than 8 bits, and of kinds that pictures seldom have: the film comes out as itself."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableImage
from core.reading import images
from tests.phantoms.chest import chest

FILM = chest().astype(np.float64)
FILM = (FILM - FILM.min()) / np.ptp(FILM)
TWELVE = np.rint(FILM * 4095).astype(np.uint16)
EIGHT = np.rint(FILM * 255).astype(np.uint8)


def tiff(pixels, *, order="<", photometric=1, compression=1, strips=1, extra=(), planar=1):
    """A plain TIFF of (H, W) or (H, W, C), as libraries for numbers write it."""
    height, width = pixels.shape[:2]
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    rows = -(-height // strips)
    packed = pixels.astype(pixels.dtype.newbyteorder(order))
    parts = [packed[top : top + rows].tobytes() for top in range(0, height, rows)]
    if planar == 2:  # the channels come first
        parts = [plane.tobytes() for plane in np.moveaxis(packed, 2, 0)]
    if compression == 8:
        parts = [zlib.compress(part) for part in parts]
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [8 * pixels.itemsize] * samples),
               259: (3, [compression]), 262: (3, [photometric]), 277: (3, [samples]), 278: (4, [rows]),
               284: (3, [planar]), 339: (3, [kind] * samples)}  # fmt: skip
    if extra:
        entries[338] = (3, list(extra))
    data = order_mark(order) + struct.pack(f"{order}I", 8 + sum(map(len, parts)))
    offsets = [8 + sum(map(len, parts[:index])) for index in range(len(parts))]
    entries[273], entries[279] = (4, offsets), (4, [len(part) for part in parts])
    data += b"".join(parts)
    outside, lines = b"", []
    start = len(data) + 2 + 12 * len(entries) + 4
    for tag, (sort, numbers) in sorted(entries.items()):
        body = struct.pack(f"{order}{len(numbers)}{'H' if sort == 3 else 'I'}", *numbers)
        if len(body) > 4:
            place, outside = struct.pack(f"{order}I", start + len(outside)), outside + body
        else:
            place = body.ljust(4, b"\0")
        lines.append(struct.pack(f"{order}HHI", tag, sort, len(numbers)) + place)
    return data + struct.pack(f"{order}H", len(lines)) + b"".join(lines) + bytes(4) + outside


def order_mark(order):
    return b"II*\0" if order == "<" else b"MM\0*"


def png16(pixels):
    """(H, W, C) of 16 bits."""
    height, width, samples = pixels.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[samples]

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = pixels.astype(">u2").reshape(height, -1)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def encode(image, form, **options):
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def read(data, expected=FILM, within=0.003):
    scan = images.read(data, "film")
    assert scan.pixels.shape == expected.shape
    assert np.abs(scan.pixels - expected).max() <= within
    return scan


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["f8", "f4", "f2"])
@pytest.mark.parametrize("most", [1.0, 2.0, 100.0, 255.0, 4095.0])
def test_fractions_are_read_by_their_range(order, kind, most):
    read(tiff((FILM * most).astype(kind), order=order))


@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("strips", [1, 7])
@pytest.mark.parametrize("kind", ["f8", "f2", "i8", "u8"])
def test_wide_samples_come_through_strips_and_compression(compression, strips, kind):
    pixels = (FILM if kind[0] == "f" else TWELVE).astype(kind)
    for order in "<>":
        read(tiff(pixels, order=order, compression=compression, strips=strips))


def test_fractions_that_fill_most_of_0_to_1_keep_their_grey():
    read(tiff((FILM * 0.8).astype(np.float32)), FILM * 0.8)
    read(tiff((FILM * 1.04 - 0.02).astype(np.float32)), np.clip(FILM * 1.04 - 0.02, 0, 1))


@pytest.mark.parametrize("hot", [7.0, 65535.0, -900.0])
def test_one_hot_pixel_does_not_set_the_range_of_fractions(hot):
    pixels = FILM.copy()
    pixels[3, 3] = hot
    read(tiff(pixels), np.clip(pixels, 0, 1))


@pytest.mark.parametrize("hot", [16384, 40000, 65535])
def test_one_hot_pixel_does_not_set_the_range_of_whole_numbers(hot):
    pixels, expected = TWELVE.copy(), TWELVE / 4095
    pixels[3, 3], expected[3, 3] = hot, 1
    read(encode(Image.fromarray(pixels), "PNG"), expected)
    read(encode(Image.fromarray(pixels.astype(np.int32)), "TIFF"), expected)


def test_pixels_that_are_no_numbers_are_black():
    pixels, expected = FILM.astype(np.float32), FILM.copy()
    pixels[:20], expected[:20] = np.nan, 0
    assert "no numbers" in read(tiff(pixels), expected).notes[0]


@pytest.mark.parametrize("samples", [2, 3, 4])
def test_pngs_of_16_bits_in_colour_keep_them(samples):
    planes = [TWELVE] * (1 if samples == 2 else 3) + [np.full_like(TWELVE, 65535)] * (samples % 2 == 0)
    scan = read(png16(np.dstack(planes)), TWELVE / 4095, 1e-6)
    assert scan.colour_share == 0


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("samples", [3, 4])
def test_tiffs_of_16_bits_in_colour_keep_them(order, compression, samples):
    planes = np.dstack([TWELVE] * 3 + [np.full_like(TWELVE, 65535)] * (samples - 3))
    extra = (2,) if samples == 4 else ()
    data = tiff(planes, order=order, compression=compression, photometric=2, extra=extra)
    read(data, TWELVE / 4095, 1e-6)


@pytest.mark.parametrize("order", "<>")
def test_planes_one_after_the_other_and_grey_with_alpha_keep_16_bits(order):
    three = np.dstack([TWELVE] * 3)
    read(tiff(three, order=order, photometric=2, planar=2), TWELVE / 4095, 1e-6)
    with pytest.raises(UnreadableImage, match="colours of 16 bits in compressed planes, which are not read"):
        images.read(tiff(three, order=order, photometric=2, planar=2, compression=8), "film.tif")
    for alpha in (1, 2):
        pair = np.dstack([TWELVE, np.zeros_like(TWELVE)])
        read(tiff(pair, order=order, extra=(alpha,)), TWELVE / 4095, 1e-6)


def test_premultiplied_colour_stands_on_black_already():
    for pixels, expected in ((EIGHT, EIGHT / 255), (TWELVE, TWELVE / 4095)):
        three = np.dstack([pixels] * 3 + [np.zeros_like(pixels)])
        read(tiff(three, photometric=2, extra=(1,)), expected)


def test_tiffs_that_are_not_read_are_said_to_be_tiffs():
    with pytest.raises(UnreadableImage, match="is a damaged TIFF or holds pixels of a kind that is not read"):
        images.read(tiff(np.dstack([FILM] * 3), photometric=2), "film.tif")


def test_16_bits_of_real_colour_become_luma():
    planes = np.dstack([TWELVE, TWELVE // 3, TWELVE // 2])
    scan = read(png16(planes), planes @ np.array([0.299, 0.587, 0.114]) / 4095)
    assert scan.colour_share > 0.2


@pytest.mark.parametrize("opacity", [0, 40])
def test_alpha_that_is_the_same_everywhere_is_none(opacity):
    grey, alpha = Image.fromarray(EIGHT), Image.new("L", EIGHT.shape[::-1], opacity)
    rgba = Image.merge("RGBA", [grey, grey, grey, alpha])
    for form in ("PNG", "TIFF"):
        read(encode(rgba, form), EIGHT / 255)
        read(encode(Image.merge("LA", [grey, alpha]), form), EIGHT / 255)
    read(encode(rgba, "WEBP", lossless=True, exact=True), EIGHT / 255)
    read(png16(np.dstack([TWELVE] * 3 + [np.full_like(TWELVE, opacity)])), TWELVE / 4095)


@pytest.mark.parametrize("factor", [1, 16, 257, 256])
def test_palettes_of_a_tiff_are_read_by_what_they_hold(factor):
    image = Image.fromarray(EIGHT).convert("P")
    image.putpalette([value for value in range(256) for _ in range(3)])
    data = bytearray(encode(image, "TIFF"))
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry)[0] == 320:
            (place,) = struct.unpack_from("<I", data, entry + 8)
            struct.pack_into("<768H", data, place, *[value * factor for value in range(256)] * 3)
    read(bytes(data), EIGHT / 255, 0.005)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4", "f4", "f8", "f2"])
def test_white_is_zero_in_all_depths(order, compression, kind):
    most = {"u1": 255, "u2": 65535, "i2": 32767, "u4": 65535}.get(kind, 1)
    pixels = (1 - FILM) * most
    pixels = (np.rint(pixels) if kind[0] != "f" else pixels).astype(kind)
    read(tiff(pixels, order=order, photometric=0, compression=compression), within=0.005)


def test_values_below_zero_are_stretched_in_all_depths():
    for kind in ("i1", "i2", "i4", "f4", "f8"):
        pixels = np.rint(FILM * 200 - 100).astype(kind)
        for order in "<>":
            read(tiff(pixels, order=order), (np.rint(FILM * 200)) / 200)


def test_a_film_in_a_small_part_of_its_range_is_not_blank():
    pixels = 30000 + np.rint(FILM * 900).astype(np.uint16)
    scan = read(encode(Image.fromarray(pixels.astype(np.uint16)), "PNG"))
    assert "small part of its range" in scan.notes[0]


def test_a_plain_jpeg_of_rgb_without_markers_is_grey():
    stream = encode(Image.fromarray(np.dstack([EIGHT] * 3)), "JPEG", quality=98, keep_rgb=True)
    (length,) = struct.unpack_from(">H", stream, 4)
    scan = read(stream[:2] + stream[4 + length :], EIGHT / 255, 0.03)
    assert scan.colour_share == 0
