"""Small pictures of scans, as files that a browser shows."""

import base64
import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.types import FloatArray

QUALITY = 80  # of a WebP picture, in percent


def of_scan(pixels: FloatArray, side: int, kind: Literal["PNG", "WEBP"] = "PNG") -> bytes:
    """A scan as a grey picture.

    pixels: (H, W) in [0, 1].
    side: of the square that the picture must fit, in pixels.
    kind: the file's format.
    """
    return of_picture((pixels * 255).round().astype(np.uint8), side, kind)


def address(pixels: FloatArray, side: int) -> str:
    """A scan as a small WebP picture in a data address.

    pixels: (H, W) in [0, 1].
    side: of the square that the picture must fit, in pixels.
    """
    return f"data:image/webp;base64,{base64.b64encode(of_scan(pixels, side, 'WEBP')).decode()}"


def of_picture(picture: NDArray[np.uint8], side: int, kind: Literal["PNG", "WEBP"] = "PNG") -> bytes:
    """A picture made smaller until it fits a square, never larger.

    picture: (H, W) or (H, W, 3).
    side: of the square, in pixels.
    kind: the file's format.
    """
    image = Image.fromarray(picture)
    image.thumbnail((side, side))
    file = io.BytesIO()
    image.save(file, kind, quality=QUALITY)
    return file.getvalue()
