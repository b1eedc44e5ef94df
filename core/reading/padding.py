"""Which stored values are no part of the film: padding, as PS3.3 C.7.5.1.1.2 has it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from core.reading import elements


def mask(
    values: NDArray[Any],
    used: NDArray[np.bool_],
    header: Dataset,
    *,
    allocated: int,
    stored: int,
    signed: bool,
) -> NDArray[np.bool_]:
    """(N,) bool: which of the values are padding.

    values: (N,) whole numbers that pixels may have. used: (N,) which of them occur. Writers give the
    padding with and without its sign: the bits count, at the width that pixels have.
    """
    first, last = (elements.whole(header, tag) for tag in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if first is None:
        return np.zeros(len(values), bool)
    found = np.zeros(len(values), bool)
    for bits in dict.fromkeys((allocated, stored)):
        low = as_stored(first, bits, signed=signed)
        high = low if last is None else as_stored(last, bits, signed=signed)
        found = (values >= min(low, high)) & (values <= max(low, high))
        if (found & used).any():
            break
    return found if (used & ~found).any() else np.zeros(len(values), bool)


def as_stored(value: int, bits: int, *, signed: bool) -> int:
    """The number that these lowest bits stand for."""
    cut = value & ((1 << bits) - 1)
    return cut - (1 << bits) if signed and cut >> (bits - 1) else cut
