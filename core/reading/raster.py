"""The bytes of a PNG, JPEG, BMP, TIFF or WebP file -> Scan."""

import struct
import zlib
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import UnreadableImage
from core.reading import dicom
from core.reading.limits import MAX_FRAMES, MAX_PIXELS
from core.types import AS_SENT, FloatArray, Scan, View

FORMATS: Final = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # TIFF 6.0, PhotometricInterpretation

# What Pillow's parsers raise on cut or altered files; SyntaxError is their "broken file".
_BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, RuntimeError),
    *(AttributeError, struct.error, zlib.error),
)
_BOMB: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read(data: bytes, name: str, view: View = AS_SENT) -> Scan:
    """One page: orientation applied, colour turned to grey by ITU-R 601 luma; no digest yet.

    8 bit is divided by 255. 16-bit grey by the smallest 2^n - 1, n >= 8, that holds its brightest pixel:
    12-bit films are often stored in 16 bits and would be near black, while whole bits keep the stretch
    below two. Values below zero or with fractions are stretched over their range. Transparency shows
    black, as a film's surround is. Raises UnreadableImage with one sentence.
    """
    dicom.quiet_libraries()
    too_large = f"{name} has more than {MAX_PIXELS:,} pixels: export it smaller."
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            pages = _pages(image, name, view)
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(too_large)
            image.load()
            # Pillow turns 8-bit films of this kind itself, deeper ones it leaves.
            negative = (
                image.mode.startswith(("I", "F"))
                and getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO
            )
            ImageOps.exif_transpose(image, in_place=True)  # otherwise films that lie right are copied
            pixels, share = _grey(image)
    except _BOMB as error:
        raise UnreadableImage(too_large) from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(
            f"{name} is not a PNG, JPEG, BMP, TIFF, WebP or DICOM image: choose one of these."
        ) from error
    except _BROKEN as error:
        raise UnreadableImage(f"{name} is damaged or cut short: export it once more.") from error
    return Scan(
        1 - pixels if negative else pixels, "", name, colour_share=share, frame=view.frame, frames=pages
    )


def _pages(image: Image.Image, name: str, view: View) -> int:
    """Turn to the page asked for. Only a TIFF has pages; what moves in other formats is no scan."""
    pages = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    if pages > MAX_FRAMES or not 0 <= view.frame < pages:
        raise UnreadableImage(
            f"{name} has {pages:,} pages and no number {view.frame + 1}: choose another one."
        )
    if pages > 1:
        image.seek(view.frame)
    return pages


def _grey(image: Image.Image) -> tuple[FloatArray, float]:
    """(H, W) float32 in [0, 1], and the share of coloured pixels."""
    if image.mode.startswith(("I", "F")):
        return _deep(np.asarray(image, dtype=np.float32)), 0.0
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    share = 0.0
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
        share = dicom.colour_share(np.asarray(image))
    # Files whose channels are equal come out exactly as their grey copies: the mode must not leak the label.
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255), share


def _deep(values: FloatArray) -> FloatArray:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite((low, high)).all():
        raise ValueError("values are not finite")
    if low < 0 or high > 2**16 or high != int(high):
        return (values - np.float32(low)) / np.float32((high - low) or 1.0)
    return values / np.float32(2 ** max(8, int(high).bit_length()) - 1)
