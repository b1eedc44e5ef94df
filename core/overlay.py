"""A map over a scan, as a picture."""

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from plotly.colors import sample_colorscale, unlabel_rgb

from core.errors import UnknownName
from core.types import FloatArray

COLOUR_MAPS = ("inferno", "cividis")  # perceptually uniform and safe for colour-blind readers
EDGE = (230, 159, 0)  # orange: told from the blue of the lungs by colour-blind readers too
RGB = NDArray[np.uint8]


@cache
def colours(name: str) -> NDArray[np.float32]:
    """(256, 3) in [0, 255], from low to high. Raises UnknownName."""
    if name not in (*COLOUR_MAPS, "PuOr"):
        raise UnknownName(f"No colour map {name!r}. Choose from: {', '.join(COLOUR_MAPS)}.")
    samples = sample_colorscale(name, [i / 255 for i in range(256)])
    return np.array([unlabel_rgb(sample) for sample in samples], dtype=np.float32)


def grey(pixels: FloatArray) -> RGB:
    """(H, W) in [0, 1] -> (H, W, 3); NaN becomes black."""
    values = np.nan_to_num(pixels, nan=0.0).clip(0, 1)
    return np.repeat((values * 255).round().astype(np.uint8)[..., None], 3, axis=2)


def blend(
    pixels: FloatArray, heat: FloatArray, *, scale: float, opacity: float = 0.6, colour_map: str = "inferno"
) -> RGB:
    """Heat over film -> (H, W, 3). Opacity grows with the heat, so that cold places stay readable.

    pixels: (H, W) in [0, 1].
    heat: (H, W).
    scale: heat from which on colour is full, above 0; no heat leaves the film as it is.
    opacity: of full colour.
    colour_map: one of COLOUR_MAPS.
    """
    if not 0 < scale < math.inf:
        raise ValueError(f"Heat cannot be scaled by {scale:g}: give a number above 0.")
    strength = (heat / scale).clip(0, 1)
    tint = colours(colour_map)[(strength * 255).astype(np.uint8)]
    alpha = (opacity * strength.clip(0, 0.5) * 2)[..., None]
    return (grey(pixels) * (1 - alpha) + tint * alpha).round().astype(np.uint8)


def outlined(pixels: FloatArray, mask: NDArray[np.bool_]) -> RGB:
    """The film with the edge of a mask drawn on it -> (H, W, 3). pixels: (H, W) in [0, 1]. mask: (H, W)."""
    edges, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thickness = max(1, round(max(mask.shape) / 400))
    drawn = cv2.drawContours(grey(pixels), edges, -1, EDGE, thickness, cv2.LINE_AA)
    return np.asarray(drawn, dtype=np.uint8)


def fitted(pixels: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Another picture in the middle of a frame, as large as it fits; NaN beside it.

    pixels: (h, w). shape: (H, W) of the frame. Returns (H, W).
    """
    ratio = min(shape[0] / pixels.shape[0], shape[1] / pixels.shape[1])
    height, width = (max(1, round(side * ratio)) for side in pixels.shape)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    frame = np.full(shape, np.nan, np.float32)
    frame[top : top + height, left : left + width] = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    )
    return frame


def signed(difference: FloatArray, *, scale: float) -> RGB:
    """(H, W) from -scale to scale -> (H, W, 3) in PuOr; zero and NaN are near white."""
    position = (np.nan_to_num(difference, nan=0.0) / scale / 2 + 0.5).clip(0, 1)
    return colours("PuOr")[(position * 255).astype(np.uint8)].round().astype(np.uint8)
