"""Pixels of more than 8 bits, as they are stored: Pillow cuts some kinds to 8 bits and does not know others.

Its decoders hand out the high or the low byte of 16-bit samples. Asked twice, they give both; the same way
samples of 64 bits come as four of 16. So strips, tiles and all compressions are Pillow's, and nothing is cut.
"""

import sys
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin

from core.reading import ranges
from core.types import FloatArray

FORMATS: Final = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # TIFF 6.0, PhotometricInterpretation
_BITS, _FORMAT, _COMPRESSION, _PLANAR = 258, 339, 259, 284
LEAST_LEVELS: Final = 64  # of grey: what has fewer is blank
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3  # TIFF 6.0, SampleFormat
_KINDS: Final = {
    (64, _FLOAT): "f8", (64, _SIGNED): "i8", (64, _UNSIGNED): "u8", (16, _FLOAT): "f2", (8, _SIGNED): "i1",
}  # fmt: skip
_WIDE: Final = {64: ("RGBA", "RGBA;16L"), 16: ("LA", "LA"), 8: ("L", "L")}
_PREMULTIPLIED: Final = {
    "La": ("L", "LX"),
    "RGBa": ("RGB", "RGBX"),
    "RGBa;16L": ("RGB", "RGBX;16L"),
    "RGBa;16B": ("RGB", "RGBX;16B"),
}
_NATIVE: Final = {"I;16BS": "I;16S", "I;32BS": "I;32S", "F;32BF": "F;32F"}

Samples = NDArray[Any]


def teach_pillow() -> None:
    """Let Pillow open TIFFs that it lacks a mode for: the wide ones, and white-is-zero of every depth."""
    known = TiffImagePlugin.OPEN_INFO
    for order in (b"II", b"MM"):
        for bits, kind in _KINDS:
            known[(order, 1, (kind,), 1, (bits,), ())] = _WIDE[bits]
        for alpha in (0, 1, 2):
            known[(order, 1, (1,), 1, (16, 16), (alpha,))] = ("RGBA", "RGBA")
        known.setdefault((order, 1, (1,), 1, (12,), ()), ("I;16", "I;12"))
        known.setdefault((order, 1, (1,), 1, (32,), ()), ("I", "I;32BS"))
    for key, (_, rawmode) in list(known.items()):  # colour times alpha is what stands on black already
        if rawmode in _PREMULTIPLIED:
            known[key] = _PREMULTIPLIED[rawmode]
    for key, modes in list(known.items()):
        if key[1] == 1:
            known.setdefault((key[0], WHITE_IS_ZERO, *key[2:]), modes)


def mend_order(image: Image.Image) -> None:
    """Before loading: libtiff gives numbers in this machine's order, where Pillow expects the file's."""
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=(_NATIVE[tile.args[0]], *tile.args[1:]))
        if tile.codec_name == "libtiff" and sys.byteorder == "little" and tile.args[0] in _NATIVE
        else tile
        for tile in getattr(image, "tile", [])
    ]


def is_deep(image: Image.Image) -> bool:
    """Whether `samples` gives more of an opened image than Pillow's own pixels."""
    if _kind(image) is not None or _is_pair(image) or _is_planar(image):
        return True
    return any(
        ";16" in rawmode and image.mode in ("RGB", "RGBA", "LA") and "a" not in rawmode
        for rawmode in _rawmodes(image)
    )


def samples(data: bytes, page: int, image: Image.Image) -> Samples:
    """(H, W) or (H, W, C): the samples as numbers of their own kind, orientation applied.

    data: the file's bytes. image: the page of it, opened, of which is_deep holds.
    """
    kind = _kind(image)
    rawmodes = _rawmodes(image)
    if "LA;16B" in rawmodes:
        return _passed(data, page, "RGBA").view(">u2").astype(np.uint16)
    order = "<" if _is_native(image) else ">"
    if _is_pair(image):
        return _passed(data, page, "").view(f"{order}u2").astype(np.uint16)
    if kind in ("f2", "i1"):
        plain = _passed(data, page, "")
        return np.ascontiguousarray(plain).view(f"{order}{kind}").reshape(plain.shape[:2])
    high, low = (_passed(data, page, f";16{end}") for end in "BL")  # even bytes, then odd ones
    both = np.stack((high, low), axis=-1)
    if kind is None:
        return both.view(f"{order}u2")[..., 0].astype(np.uint16)
    return both.reshape(*both.shape[:2], -1).view(f"{order}{kind}")[..., 0]


def _kind(image: Image.Image) -> str | None:
    tags = getattr(image, "tag_v2", None)
    if tags is None or len(bits := tuple(tags.get(_BITS, (1,)))) != 1:
        return None
    kind = tuple(tags.get(_FORMAT, (1,)))
    return _KINDS.get((bits[0], kind[0])) if kind else None


def _is_pair(image: Image.Image) -> bool:
    """Grey and alpha of 16 bits each."""
    return tuple(getattr(image, "tag_v2", {}).get(_BITS, ())) == (16, 16)


def _is_planar(image: Image.Image) -> bool:
    """Colours of 16 bits, one plane after the other."""
    bits = tuple(getattr(image, "tag_v2", {}).get(_BITS, ()))
    return set(bits) == {16} and len(bits) > 2 and _rawmodes(image)[:1] == ["R"]


def is_packed_in_planes(image: Image.Image) -> bool:
    """Whether libtiff would hand out 16-bit colours plane by plane: of those only high bytes can be had."""
    tags = getattr(image, "tag_v2", {})
    bits = tuple(tags.get(_BITS, ()))
    return len(bits) > 1 and 16 in bits and tags.get(_PLANAR, 1) == 2 and tags.get(_COMPRESSION, 1) != 1


def _is_native(image: Image.Image) -> bool:
    """Whether the least significant byte of a sample comes first: libtiff sees to it, others do not."""
    if image.format != "TIFF":
        return False
    tags = image.tag_v2  # type: ignore[attr-defined]
    return bool(tags.get(_COMPRESSION, 1) != 1 or tags.prefix == b"II")


def _rawmodes(image: Image.Image) -> list[str]:
    tiles = getattr(image, "tile", [])
    return [tile.args if isinstance(tile.args, str) else str(tile.args[0]) for tile in tiles if tile.args]


def _passed(data: bytes, page: int, rawmode: str) -> Samples:
    """The page decoded with another raw mode: all of it, or its part from ";" on."""
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        if page:
            image.seek(page)
        tiles = []
        for tile in image.tile:
            args = tile.args if isinstance(tile.args, tuple) else (tile.args,)
            own = str(args[0])
            new = own.split(";")[0] + rawmode if rawmode.startswith(";") else rawmode or own
            tiles.append(tile._replace(args=(new, *args[1:]) if isinstance(tile.args, tuple) else new))
        image.tile = tiles
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(image)


def brightness(values: Samples, notes: list[str]) -> FloatArray:
    """(H, W) numbers of any kind -> [0, 1].

    Whole ones without sign are divided by the smallest 2^n - 1, n >= 8, that holds the brightest: 12-bit
    films are often stored in 16 bits and would be near black, while whole bits keep the stretch below two.
    Others are stretched over their range; see ranges.of_fractions. A few wild pixels are left out, and what
    is no number is black. Raises ValueError when that is half of the pixels.
    """
    finite = np.isfinite(values) if values.dtype.kind == "f" else None
    if finite is not None and not finite.all():
        if finite.mean() <= 0.5:
            raise ValueError("values are not finite")
        notes.append("Some pixels are no numbers: shown black.")
        shown = brightness(np.where(finite, values, values[finite].min()), notes)
        return np.where(finite, shown, np.float32(0))
    low, high = ends = ranges.of_pixels(values)
    if values.dtype.kind == "f" and not (values == np.floor(values)).all():
        low, high = ranges.of_fractions(low, high)
    elif low >= 0 and high <= 2**16:
        low, high = 0.0, ranges.whole_bits(high)
    shown = _stretched(values, low, high)
    levels = ends[1] - ends[0] if values.dtype.kind != "f" else LEAST_LEVELS
    if ranges.contrast(shown) < ranges.LEAST_CONTRAST and (low, high) != ends and levels >= LEAST_LEVELS:
        full = _stretched(values, *ends)
        if ranges.contrast(full) >= ranges.LEAST_CONTRAST:
            notes.append("The film fills a small part of its range: that part is shown.")
            return full
    return shown


def _stretched(values: Samples, low: float, high: float) -> FloatArray:
    kind = (
        np.float64
        if values.itemsize > 4 or (values.itemsize == 4 and values.dtype.kind != "f")
        else np.float32
    )
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    shifted = (values - kind(low) if low else values) / kind((high - low) or 1.0)
    shown: FloatArray = np.clip(shifted, 0, 1).astype(np.float32, copy=False)
    return shown
