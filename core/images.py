"""A file's bytes -> Scan: PNG and JPEG here, DICOM next door."""

import hashlib
import struct
import zlib
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core import dicom
from core.errors import UnreadableImage
from core.types import FloatArray, Scan

MAX_BYTES: Final = 50 * 2**20

# What Pillow's PNG, JPEG and EXIF parsers raise on cut or altered files; SyntaxError is their "broken file".
_BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, RuntimeError),
    *(AttributeError, MemoryError, struct.error, zlib.error),
)
_BOMB: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read(data: bytes, name: str) -> Scan:
    """Read a PNG, JPEG or DICOM file: orientation applied, colour turned to grey by ITU-R 601 luma.

    8 bit is divided by 255. 16-bit grey by the smallest 2^n - 1, n >= 8, that holds its brightest pixel:
    12-bit films are often stored in 16 bits and would be near black, while whole bits keep the stretch
    below two. Transparency shows black, as a film's surround is. Pixels are read-only.
    Raises UnreadableImage with one sentence: which file, which rule, what to do.
    """
    name = _last_part(name)
    if not data:
        raise UnreadableImage(f"{name} is empty: choose a PNG, JPEG or DICOM file.")
    if len(data) > MAX_BYTES:
        raise UnreadableImage(
            f"{name} has {len(data) / 2**20:.0f} MB and the limit is {MAX_BYTES >> 20} MB: export it smaller."
        )
    if dicom.is_dicom(data):
        return dicom.read(data, name)
    pixels, share = _read_pillow(data, name)
    pixels.flags.writeable = False
    return Scan(pixels=pixels, digest=hashlib.sha256(data).hexdigest(), name=name, colour_share=share)


def _read_pillow(data: bytes, name: str) -> tuple[FloatArray, float]:
    dicom.quiet_libraries()
    too_large = f"{name} has more than {dicom.MAX_PIXELS:,} pixels: export it smaller."
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > dicom.MAX_PIXELS:
                raise UnreadableImage(too_large)
            image.load()
            return _grey(ImageOps.exif_transpose(image))
    except _BOMB as error:
        raise UnreadableImage(too_large) from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(f"{name} is not a PNG, JPEG or DICOM image: choose one of these.") from error
    except _BROKEN as error:
        raise UnreadableImage(f"{name} is damaged or cut short: export it once more.") from error


def _grey(image: Image.Image) -> tuple[FloatArray, float]:
    """(H, W) float32 in [0, 1], and the share of coloured pixels."""
    if image.mode.startswith("I"):
        deep = np.asarray(image, dtype=np.float32)
        top = 2 ** max(8, int(deep.max()).bit_length()) - 1
        return deep / np.float32(top), 0.0
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    share = 0.0
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
        share = dicom.colour_share(np.asarray(image))
    # Files whose channels are equal come out exactly as their grey copies: the mode must not leak the label.
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255), share


def _last_part(name: str) -> str:
    """The file's own name: a path may hold a patient's name or break the page."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[:120] or "The file"
