"""Three samples per pixel -> grey, and how much of it was coloured."""

from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from core.types import FloatArray

COLOURED: Final = 24  # of 255 between the channels; below it lies what JPEG makes of grey
NEARLY: Final = 8  # of 255: by this much JPEG lets planes of a grey film differ
MOST: Final = 0.98  # of the pixels tell what a grey film's planes are

Planes = NDArray[np.uint8]


def share(colours: Planes) -> float:
    """Share of visibly coloured pixels of (H, W, 3), on every n-th of them so that at most 512 are across."""
    step = -(-max(colours.shape[:2]) // 512)
    red, green, blue = np.moveaxis(colours[::step, ::step], 2, 0).copy()  # each by itself: numpy is faster
    highest = np.maximum(np.maximum(red, green), blue)  # numpy's own ptp is ten times slower on a short axis
    return float((highest - np.minimum(np.minimum(red, green), blue) > COLOURED).mean())


def luma(colours: NDArray[Any], full: float) -> tuple[FloatArray, float]:
    """(H, W, 3) of any depth -> ITU-R 601 luma in [0, 1], and the share of coloured pixels.

    full: the value of full brightness. 8 bits go through Pillow, whose rounding the cards have learned from;
    equal channels come out as the grey film itself.
    """
    if full == 255 and colours.dtype == np.uint8:
        grey = np.asarray(Image.fromarray(colours).convert("L"), dtype=np.float32) / np.float32(255)
        return grey, share(colours)
    eight = np.clip(colours * (255.0 / full), 0, 255).astype(np.uint8)
    if np.array_equal(colours[..., 0], colours[..., 1]) and np.array_equal(colours[..., 0], colours[..., 2]):
        weighed = colours[..., 0].astype(np.float32)
    else:
        weighed = (colours @ np.array([0.299, 0.587, 0.114])).astype(np.float32)
    return np.clip(weighed / np.float32(full), 0, 1), share(eight)


def to_rgb(planes: Planes, *, is_ybr: bool) -> Planes:
    """(H, W, 3) as stored -> RGB. is_ybr: what the header says, which the planes of a grey film can refute.

    Equal planes are RGB whatever is said; two of middle grey are chroma.
    """
    step = -(-max(planes.shape[:2]) // 512)
    some = planes[::step, ::step].astype(np.int16)
    first, second, third = np.moveaxis(some, 2, 0)
    equal = (np.abs(first - second) <= NEARLY) & (np.abs(first - third) <= NEARLY)
    neutral = (np.abs(second - 128) <= NEARLY) & (np.abs(third - 128) <= NEARLY)
    if equal.mean() >= MOST:
        return planes
    if neutral.mean() >= MOST:
        return np.repeat(planes[..., :1], 3, axis=2)
    if not is_ybr:
        return planes
    height, width = planes.shape[:2]
    ycc = Image.frombytes("YCbCr", (width, height), np.ascontiguousarray(planes).tobytes())
    return np.asarray(ycc.convert("RGB"))


def jpeg(image: Image.Image, *, is_ybr: bool) -> Image.Image:
    """A JPEG of three components that says nothing of their colours, as RGB.

    image: opened, not loaded. Files with an Adobe marker say it, and those with another number of components
    have no choice: they come back as they are. is_ybr: what is said elsewhere, or is usual.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode != "RGB":
        return image
    if "adobe_transform" in image.info:
        return image
    layers = getattr(image, "layer", [])
    names = bytes(layer[0] for layer in layers)
    subsampled = any(layer[1:3] != layers[0][1:3] for layer in layers)
    as_stored = Image.open(BytesIO(_bytes(image)), formats=("JPEG",))
    as_stored._mode = "YCbCr"  # both colour spaces the same: no conversion by the library
    as_stored.tile = [tile._replace(args=("YCbCr", "YCbCr")) for tile in as_stored.tile]
    planes = np.asarray(as_stored)
    return Image.fromarray(to_rgb(planes, is_ybr=(is_ybr and names != b"RGB") or subsampled))


def _bytes(image: Image.Image) -> bytes:
    file: BytesIO = image.fp  # type: ignore[attr-defined]
    file.seek(0)
    return file.read()


def unplanar(planes: Planes, planar: int) -> Planes:
    """Uncompressed (H, W, 3) read with the planar configuration of its header, or with the other one.

    The other one where only it makes the channels of the film nearly equal.
    """
    if share(planes) < 0.05:
        return planes
    height, width = planes.shape[:2]
    if planar:  # back to the order of the file
        other = np.moveaxis(planes, 2, 0).reshape(height, width, 3)
    else:
        other = np.moveaxis(planes.reshape(3, height, width), 0, 2)
    return np.ascontiguousarray(other) if share(other) == 0 else planes
