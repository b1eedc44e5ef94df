"""Files made to hurt: bombs, lies, polyglots, numbers that are none, names that are none."""

import struct
import zipfile
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate

from core.errors import UnreadableImage
from core.reading import images
from tests.hostile.promise import outcome
from tests.phantoms.files import GOOD, NOISE, film, picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(width: int, height: int, content: bytes, *extra: bytes, depth: int = 8) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return SIGNATURE + header + b"".join(extra) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()


def zipped(data: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("film.dcm", data)
    return file.getvalue()


def huge_tiff() -> bytes:
    """A TIFF of 60,000 x 60,000 pixels in one strip of no bytes."""
    entries = [
        (256, 4, 60000),
        (257, 4, 60000),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (279, 4, 9),
    ]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)


def circular_tiff() -> bytes:
    """A TIFF whose first page says that the next one is itself."""
    data = bytearray(picture("TIFF"))
    (at,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * entries, at)
    return bytes(data)


def forged(text: bytes, *tags: str) -> bytes:
    """A film whose number tags hold text that pydicom would not write."""
    return film(**dict.fromkeys(tags, "7777")).replace(b"7777", text.ljust(4))


SMALL_JPEG = picture("JPEG")
UNREADABLE = {
    "a picture of no pixels": png(0, 0, zlib.compress(b"")),
    "a picture of no rows": png(7, 0, zlib.compress(b"")),
    "four thousand million pixels": png(65535, 65535, zlib.compress(bytes(99))),
    "a zip of nothing": zipped(b"Dear colleague,"),
    "a zip bomb": zipped(bytes(300 * 2**20)),
    "a pdf": b"%PDF-1.7\n" + bytes(500),
    "a page": b"<html><script>alert(1)</script></html>",
    "a TIFF that lies": huge_tiff(),
    "a DICOM header in front of nothing": bytes(128) + b"DICM" + bytes(64),
    "0 x 0 DICOM": film(Rows=0, Columns=0),
    "more frames than bytes": film(NumberOfFrames=9999, PixelData=b"\0\0"),
    "a stream that is larger than its header": film(
        uid.JPEGBaseline8Bit, encapsulate([SMALL_JPEG]), Rows=9, Columns=9
    ),
    "an empty stream": film(uid.JPEGBaseline8Bit, encapsulate([b"\0\0"])),
    "a JPEG 2000 of 4 GB": film(
        uid.JPEG2000Lossless,
        encapsulate(
            [b"\xff\x4f\xff\x51\0\x29\0\0" + struct.pack(">8I", *[65535] * 2, 0, 0, *[65535] * 2, 0, 0)]
        ),
        Rows=7000,
        Columns=7000,
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_is_refused_in_one_sentence(kind: str):
    assert outcome(UNREADABLE[kind]) == "unreadable"


READ = {
    "a line": picture("PNG") and png(65535, 1, zlib.compress(bytes(65536))),
    "a column": png(1, 65535, zlib.compress(bytes(2 * 65535))),
    "a bomb behind few pixels": png(4, 4, bomb(200)),
    "a TIFF that goes round": circular_tiff(),
    "a JPEG with a zip behind it": SMALL_JPEG + zipped(film()),
    "a JPEG with a script in it": SMALL_JPEG[:2]
    + b"\xff\xfe\0\x19<script>alert(1)</script>"
    + SMALL_JPEG[2:],
    "a DICOM that is a TIFF as well": GOOD["tiff"][:8].ljust(128, b"\0") + film()[128:],
    "a DICOM that starts as a program": b"MZ".ljust(128, b"\0") + film()[128:],
    "one bit": film(
        BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes(240), WindowWidth=None, WindowCenter=None
    ),
    "infinite slope": forged(b"inf", "RescaleSlope"),
    "no number as slope": forged(b"nan", "RescaleSlope"),
    "no number as window": forged(b"nan", "WindowCenter", "WindowWidth"),
    "a huge slope": film(RescaleSlope="1e308", RescaleIntercept="1e308", WindowCenter=None, WindowWidth=None),
    "a zip": zipped(film()),
    "many windows": film(WindowCenter=[1] * 1000, WindowWidth=[9] * 1000),
}


@pytest.mark.parametrize("kind", READ)
def test_is_read_within_its_limits(kind: str):
    assert outcome(READ[kind]) == "read"


def test_a_tag_given_twice_is_read_once():
    data = film()
    rows = struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 48)
    assert rows in data
    for value in (48, 24, 60000):
        twice = data.replace(rows, rows + rows[:-2] + struct.pack("<H", value))
        assert outcome(twice) == ("read" if value <= 48 else "unreadable")


def test_a_thousand_choices_are_not_offered():
    assert len(images.read(READ["many windows"], "film").windows) < 20


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\patients\\doe.png", "doe.png"),
        ("a\x00b\r\nSet-Cookie: x\x1b[2J.png", "abSet-Cookie: x[2J.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("/", "The file"),
        ("x" * 5000, "x" * 120),
    ],
)
def test_a_name_is_only_a_name(name: str, kept: str):
    assert images.read(GOOD["png"], name).name == kept
    with pytest.raises(UnreadableImage) as caught:
        images.read(b"?", name)
    assert str(caught.value).startswith(kept)


def test_the_largest_picture_that_is_read_costs_no_more_than_the_limit():
    largest = Image.fromarray(np.tile(NOISE, (145, 170)))  # 6,960 x 6,800: 47 million pixels
    file = BytesIO()
    largest.save(file, "PNG", compress_level=1)
    assert outcome(file.getvalue()) == "read"
    assert outcome(film(Rows=6960, Columns=6800, PixelData=np.asarray(largest).tobytes())) == "read"
