"""The bytes of a PNG, JPEG, BMP, TIFF or WebP file -> Scan."""

import struct
import zlib
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from core.errors import UnreadableImage
from core.reading import colour, cutting, deep, dicom, ranges
from core.reading.deep import FORMATS, PHOTOMETRIC, WHITE_IS_ZERO
from core.reading.limits import MAX_FRAMES, MAX_PIXELS
from core.types import AS_SENT, FloatArray, Scan, View

COLOUR_MAP: Final = 320  # TIFF 6.0, ColorMap

# What Pillow's parsers raise on cut or altered files; SyntaxError is their "broken file".
_BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, RuntimeError),
    *(AttributeError, struct.error, zlib.error),
)
_BOMB: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)

deep.teach_pillow()


def read(data: bytes, name: str, view: View = AS_SENT) -> Scan:
    """One page: orientation applied, colour turned to grey by ITU-R 601 luma; no digest yet.

    8 bit is divided by 255, deeper pixels as deep.brightness says, in colour as in grey. Transparency shows
    black, as a film's surround is; where it is the same everywhere it means nothing. Raises UnreadableImage
    with one sentence.
    """
    dicom.quiet_libraries()
    notes: list[str] = []
    too_large = f"{name} has more than {MAX_PIXELS:,} pixels: export it smaller."
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            pages = _pages(image, name, view)
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(too_large)
            with np.errstate(all="ignore"):
                pixels, share = _pixels(data, name, view, image, notes)
    except _BOMB as error:
        raise UnreadableImage(too_large) from error
    except UnidentifiedImageError as error:
        if data[:4] in TiffImagePlugin.PREFIXES:
            raise UnreadableImage(
                f"{name} is a damaged TIFF or holds pixels of a kind that is not read: "
                "export it with 8 or 16 bits."
            ) from error
        raise UnreadableImage(
            f"{name} is not a PNG, JPEG, BMP, TIFF, WebP, NIfTI or DICOM image: choose one of these."
        ) from error
    except _BROKEN as error:
        raise UnreadableImage(f"{name} is damaged or cut short: export it once more.") from error
    return Scan(pixels, "", name, colour_share=share, frame=view.frame or 0, frames=pages, notes=tuple(notes))


def _pages(image: Image.Image, name: str, view: View) -> int:
    """Turn to the page asked for. Only a TIFF has pages; what moves in other formats is no scan."""
    page, pages = view.frame or 0, int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    if pages > MAX_FRAMES or not 0 <= page < pages:
        raise UnreadableImage(f"{name} has {pages:,} pages and no number {page + 1}: choose another one.")
    if pages > 1:
        image.seek(page)
    return pages


def _pixels(
    data: bytes, name: str, view: View, image: Image.Image, notes: list[str]
) -> tuple[FloatArray, float]:
    """(H, W) float32 in [0, 1], and the share of coloured pixels."""
    negative = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO
    if deep.is_packed_in_planes(image):
        raise UnreadableImage(
            f"{name} holds colours of 16 bits in compressed planes, which are not read: export it in grey."
        )
    if deep.is_deep(image):
        samples = deep.samples(data, view.frame or 0, image)
        pixels, share = (
            (deep.brightness(samples, notes), 0.0) if samples.ndim == 2 else _colours(samples, notes)
        )
        return cutting.pixels(1 - pixels if negative else pixels, view), share
    if image.format == "JPEG" and "jfif" not in image.info:
        image = colour.jpeg(image, is_ybr=True)
    deep.mend_order(image)
    image.load()
    ImageOps.exif_transpose(image, in_place=True)  # otherwise films that lie right are copied
    if image.mode.startswith(("I", "F")):
        pixels = deep.brightness(np.asarray(image), notes)
        # Pillow turns 8-bit films itself, deeper ones it leaves.
        return cutting.pixels(1 - pixels if negative else pixels, view), 0.0
    return _grey(image, view)


def _colours(samples: deep.Samples, notes: list[str]) -> tuple[FloatArray, float]:
    """(H, W, 2 to 4) of 16 bits, the alpha last of two or four."""
    planes, alpha = samples, None
    if samples.shape[2] in (2, 4):
        planes, alpha = samples[..., :-1], samples[..., -1]
    if planes.shape[2] == 1 or (planes == planes[..., :1]).all():
        pixels, share = deep.brightness(np.ascontiguousarray(planes[..., 0]), notes), 0.0
    else:
        pixels, share = colour.luma(planes, ranges.whole_bits(ranges.of_pixels(planes)[1]))
    if alpha is not None and alpha.min() != alpha.max():
        pixels = pixels * (alpha.astype(np.float32) / np.float32(alpha.max()))
    return pixels, share


def _grey(image: Image.Image, view: View) -> tuple[FloatArray, float]:
    _mend_palette(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        least, most = rgba.getchannel("A").getextrema()
        if least == most:
            image = rgba.convert("RGB")
        else:
            image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), rgba)
    share = 0.0
    if image.mode not in ("1", "L"):
        image = cutting.image(image.convert("RGB"), view)
        share = colour.share(np.asarray(image))
    else:
        image = cutting.image(image, view)
    # Files whose channels are equal come out exactly as their grey copies: the mode must not leak the label.
    return np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255), share


def _mend_palette(image: Image.Image) -> None:
    """A TIFF's palette has 16 bits, of which Pillow takes the high byte. Who fills fewer means those."""
    entries = np.array(getattr(image, "tag_v2", {}).get(COLOUR_MAP, ()), np.int64)
    if image.mode not in ("P", "PA") or not len(entries) or len(entries) % 3:
        return
    top = ranges.whole_bits(float(entries.max()))
    if top < 2**16 - 1:
        eight = np.rint(entries * (255 / top)).astype(np.uint8).reshape(3, -1)
        image.putpalette(eight.T.tobytes(), "RGB")
