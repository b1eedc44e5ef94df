"""PNG and JPEG bytes -> Scan, and one clear sentence for everything else."""

import hashlib
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableImage
from core.reading import images
from core.types import View


def encode(image, form="PNG", **options):
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def read(image, form="PNG", **options):
    return images.read(encode(image, form, **options), "film.png")


def colours(*rows):
    return Image.fromarray(np.array(rows, dtype=np.uint8))


def chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def test_grey_of_8_bits_is_divided_by_255():
    scan = read(Image.fromarray(np.array([[0, 51, 255]], np.uint8)))
    assert scan.pixels == pytest.approx(np.array([[0, 0.2, 1]]))
    assert scan.pixels.dtype == np.float32
    assert scan.colour_share == 0
    assert scan.modality is None


def test_grey_of_16_bits_keeps_its_full_precision():
    scan = read(Image.fromarray(np.array([[0, 1, 40000, 65535]], np.uint16)))
    assert scan.pixels == pytest.approx(np.array([[0, 1 / 65535, 40000 / 65535, 1]]))


def test_12_bits_stored_in_16_are_divided_by_4095():
    scan = read(Image.fromarray(np.array([[0, 1000, 4000]], np.uint16)))
    assert scan.pixels == pytest.approx(np.array([[0, 1000 / 4095, 4000 / 4095]]))


def test_a_black_16_bit_image_stays_black():
    assert read(Image.fromarray(np.zeros((2, 2), np.uint16))).pixels.max() == 0


def test_colour_becomes_luma_and_its_share_is_kept():
    scan = read(colours([[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]))
    assert scan.pixels[0] * 255 == pytest.approx([76, 150, 29, 90])  # 0.299, 0.587, 0.114 of 255, rounded
    assert scan.colour_share == 0.75


def test_a_tint_within_what_jpeg_makes_of_grey_is_not_colour():
    assert read(colours([[100, 124, 100], [100, 125, 100]])).colour_share == 0.5


def test_a_grey_film_saved_in_colour_reads_exactly_as_the_grey_one():
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    for mode in ("RGB", "RGBA", "LA", "P"):
        scan = read(grey.convert(mode))
        assert np.array_equal(scan.pixels, read(grey).pixels), mode
        assert scan.colour_share == 0


def test_transparent_pixels_are_black():
    rgba = Image.fromarray(np.array([[[200, 200, 200, 0], [200, 200, 200, 255]]], np.uint8))
    assert read(rgba).pixels[0] * 255 == pytest.approx([0, 200])
    assert read(rgba.convert("LA")).pixels[0] * 255 == pytest.approx([0, 200])


def test_a_palette_with_a_transparent_entry_is_looked_up_on_black():
    image = Image.new("P", (3, 1))
    image.putpalette([10, 10, 10, 255, 0, 0, 90, 90, 90])
    image.putdata([0, 1, 2])
    scan = read(image, transparency=0)
    assert scan.pixels[0] * 255 == pytest.approx([0, 76, 90])
    assert scan.colour_share == pytest.approx(1 / 3)


def test_one_bit_is_black_and_white():
    assert read(Image.fromarray(np.array([[True, False]]))).pixels.tolist() == [[1, 0]]


def test_a_cmyk_jpeg_is_read_as_grey():
    scan = read(Image.new("CMYK", (16, 16), (0, 0, 0, 155)), "JPEG", quality=95)
    assert scan.pixels == pytest.approx(np.full((16, 16), 100 / 255), abs=0.02)
    assert scan.colour_share == 0


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(1, [[1, 2, 3], [4, 5, 6]]), (3, [[6, 5, 4], [3, 2, 1]]), (6, [[4, 1], [5, 2], [6, 3]])],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_orientation_is_applied(orientation, expected, dtype):
    exif = Image.Exif()
    exif[0x0112] = orientation
    scan = read(Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], dtype)), exif=exif)
    assert (scan.pixels * 255).round().tolist() == expected


def test_pixels_cannot_be_written_to():
    for dtype in (np.uint8, np.uint16):
        scan = read(Image.fromarray(np.zeros((2, 2), dtype)))
        with pytest.raises(ValueError, match="read-only"):
            scan.pixels[0, 0] = 1


def test_digest_is_the_sha256_of_the_bytes_and_the_name_has_no_folders():
    data = encode(Image.new("L", (2, 2)))
    scan = images.read(data, "C:\\patients\\doe/film\n.png")
    assert scan.digest == hashlib.sha256(data).hexdigest()
    assert scan.name == "film.png"


def test_an_empty_file_is_refused_by_name():
    with pytest.raises(UnreadableImage, match=r"^film\.png is empty: choose"):
        images.read(b"", "/scans/film.png")


def test_too_many_bytes_are_refused():
    with pytest.raises(UnreadableImage, match="60 MB and the limit is 50 MB"):
        images.read(bytes(60 * 2**20), "film.png")


@pytest.mark.parametrize("side", [7_100, 10_000, 30_000])
def test_a_header_that_claims_too_many_pixels_is_refused_before_decoding(side):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(
        UnreadableImage, match=r"^huge\.png has more than 50,000,000 pixels: export it smaller\.$"
    ):
        images.read(data, "huge.png")


def test_text_renamed_to_png_is_refused():
    with pytest.raises(
        UnreadableImage, match=r"notes\.png is not a PNG, JPEG, BMP, TIFF, WebP, NIfTI or DICOM image"
    ):
        images.read(b"Dear colleague,", "notes.png")


def test_other_image_formats_are_refused():
    with pytest.raises(UnreadableImage, match="is not a PNG"):
        images.read(encode(Image.new("L", (2, 2)), "GIF"), "film.gif")


@pytest.mark.parametrize("form", ["BMP", "TIFF", "WEBP"])
def test_other_formats_read_as_png_does(form):
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    options = {"lossless": True} if form == "WEBP" else {}
    assert np.array_equal(read(grey, form, **options).pixels, read(grey).pixels)


def test_tiff_keeps_16_bits_and_turns_white_is_zero():
    deep = Image.fromarray(np.array([[0, 1, 40000, 65535]], np.uint16))
    assert np.array_equal(read(deep, "TIFF").pixels, read(deep).pixels)
    assert np.array_equal(read(deep, "TIFF", compression="tiff_lzw").pixels, read(deep).pixels)
    negative = read(deep, "TIFF", tiffinfo={262: 0})
    assert negative.pixels == pytest.approx(1 - read(deep).pixels)


def test_fractions_and_negative_values_are_stretched():
    assert read(Image.fromarray(np.array([[-1.5, 0, 1.5]], np.float32)), "TIFF").pixels.tolist() == [
        [0, 0.5, 1]
    ]
    assert read(Image.fromarray(np.array([[-10, 0, 10]], np.int32)), "TIFF").pixels.tolist() == [[0, 0.5, 1]]


def test_values_that_are_no_numbers_are_refused():
    for value in (np.nan, np.inf):
        with pytest.raises(UnreadableImage, match="damaged"):
            read(Image.fromarray(np.array([[0, value]], np.float32)), "TIFF")


def test_pages_of_a_tiff_are_counted_and_chosen():
    pages = [Image.new("L", (4, 3), grey) for grey in (0, 51, 102)]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert images.read(data, "film.tif").frames == 3
    last = images.read(data, "film.tif", View(frame=2))
    assert last.pixels.max() == pytest.approx(0.4)
    assert last.digest != images.read(data, "film.tif").digest
    with pytest.raises(UnreadableImage, match="3 pages and no number 4"):
        images.read(data, "film.tif", View(frame=3))


def test_a_negative_is_turned_back_and_is_another_picture():
    scan = read(Image.fromarray(np.array([[0, 51, 255]], np.uint8)))
    back = images.turned_back(scan)
    assert back.pixels == pytest.approx(np.array([[1, 0.8, 0]]))
    assert (back.turned, back.digest == scan.digest) == (True, False)
    with pytest.raises(ValueError, match="read-only"):
        back.pixels[0, 0] = 1


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_file_cut_anywhere_is_either_whole_enough_or_refused(form):
    noise = np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)
    data = encode(Image.fromarray(noise), form)
    for length in range(1, len(data) // 2, 29):
        with pytest.raises(UnreadableImage, match=r"^film is "):
            images.read(data[:length], "film")


def test_altered_bytes_give_a_scan_or_a_refusal_and_nothing_else():
    random = np.random.default_rng(1)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "film"
    image = Image.fromarray(random.integers(0, 255, (16, 16), dtype=np.uint8))
    for form in ("PNG", "JPEG"):
        whole = encode(image, form, exif=exif)
        for _ in range(300):
            data = bytearray(whole)
            for at in random.integers(0, len(data), 3):
                data[at] = random.integers(0, 256)
            try:
                scan = images.read(bytes(data), "film")
            except UnreadableImage:
                continue
            assert scan.pixels.ndim == 2
            assert 0 <= scan.pixels.min() <= scan.pixels.max() <= 1
