"""A drawn chest film: enough anatomy for the lung finder, and nobody's picture."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage


def chest(side: int = 224, *, opacity: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    """(side, side) in [0, 1]: trunk, two lungs, spine, heart and ribs. opacity: haze in the right base."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    film = np.full((side, side), 0.04)
    film[(np.abs(x - 0.5) < 0.36 + 0.08 * y) & (y > 0.08)] = 0.55
    film[(np.abs(x - 0.5) < 0.09) & (y <= 0.14)] = 0.5  # neck
    dome = y > 0.66 + 0.9 * (np.abs(x - 0.5) - 0.2) ** 2
    film[dome & (film > 0.5)] = 0.74  # abdomen, denser than the chest wall
    for centre in (0.315, 0.685):
        lean = (x - centre) - (0.5 - centre) * 0.35 * (0.5 - y)
        lung = (lean / 0.135) ** 2 + ((y - 0.46) / 0.30) ** 2 < 1
        film[lung & ~dome] = 0.24
    for k in range(9):  # ribs bend down towards the sides
        level = 0.20 + 0.058 * k + 0.16 * (np.abs(x - 0.5) - 0.16) ** 2 / 0.09
        film[(np.abs(y - level) < 0.009) & (np.abs(np.abs(x - 0.5) - 0.21) < 0.16)] += 0.14
    film[(np.abs(x - 0.5) < 0.045) & (y > 0.1)] += 0.14  # spine
    film[((x - 0.545) / 0.12) ** 2 + ((y - 0.60) / 0.13) ** 2 < 1] = 0.62  # heart
    film += opacity * np.exp(-(((x - 0.32) / 0.08) ** 2 + ((y - 0.58) / 0.10) ** 2))
    film = ndimage.gaussian_filter(film, side / 160)
    grain = ndimage.gaussian_filter(rng.normal(size=film.shape), 1) * 0.02
    return np.clip(film + grain, 0, 1).astype(np.float32)


def png(pixels: NDArray[np.float32]) -> bytes:
    """The bytes of an 8-bit grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()
