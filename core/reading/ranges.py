"""From which value to which one a picture reaches: a few wild pixels do not decide it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

WILD: Final = 0.001  # share of pixels that may be left out at either end
FAR: Final = 4.0  # times the range of the others; nearer ones are part of the picture
SPARE: Final = 0.05  # by which smooth interpolation goes beyond black and white
LEAST_CONTRAST: Final = 0.05  # between the 1st and the 99th percentile; below it nothing is shown
SAMPLED: Final = 2**14  # pixels that tell the contrast


def of_counts(values: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, float]:
    """Lowest and highest value; values (N,) with their numbers of pixels (N,)."""
    order = np.argsort(values, kind="stable")
    ranked, below = values[order], np.cumsum(counts[order])
    least = WILD * float(below[-1])
    low = float(ranked[np.searchsorted(below, least, side="right")])
    high = float(ranked[np.searchsorted(below, below[-1] - least, side="left")])
    return _without_wild(ranked, low, high)


def of_pixels(values: NDArray[Any]) -> tuple[float, float]:
    """Lowest and highest value of finite pixels of any shape."""
    flat = values.ravel()
    few = int(WILD * flat.size)
    ends = np.partition(flat, (few, flat.size - 1 - few))
    return _without_wild(flat, float(ends[few]), float(ends[flat.size - 1 - few]))


def _without_wild(values: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """The ends of the values that do not lie far from all but few; low, high: of those."""
    lowest, highest, reach = float(values.min()), float(values.max()), FAR * (high - low)
    if reach > 0 and highest > low + reach:
        highest = float(values[values <= low + reach].max())
    if reach > 0 and lowest < high - reach:
        lowest = float(values[values >= high - reach].min())
    return lowest, highest


def contrast(values: NDArray[Any]) -> float:
    """Between the 1st and the 99th percentile, of at most some 16,000 of the pixels."""
    some = values.ravel()[:: 1 + values.size // SAMPLED]
    ends = len(some) // 100, len(some) - 1 - len(some) // 100
    low, high = np.partition(some, ends)[list(ends)].tolist()
    return float(high) - float(low)


def whole_bits(highest: float) -> float:
    """The smallest 2^n - 1, n >= 8, that holds it."""
    return float(2 ** max(8, int(highest).bit_length()) - 1)


def of_fractions(low: float, high: float) -> tuple[float, float]:
    """Black and white for pixels with fractions.

    Those of whole bits, or of 0 to 1, where the pixels fill at least half of that: so libraries write films
    that they have resized, overshooting a little. Otherwise the range itself.
    """
    for top in (1.0, 255.0, 4095.0, 65535.0):
        if -SPARE * top <= low and top / 2 < high <= (1 + SPARE) * top:
            return 0.0, top
    return low, high
