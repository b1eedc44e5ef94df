"""The promise that reading keeps whatever arrives."""

import numpy as np

from core.errors import UnreadableImage
from core.reading import images


def outcome(data: bytes, name: str = "film") -> str:
    """ "read" or "unreadable"; anything else that happens fails the test."""
    try:
        scan = images.read(data, name)
    except UnreadableImage as error:
        return "unreadable" if "\n" not in str(error) else "several lines"
    assert scan.pixels.ndim == 2
    assert scan.pixels.dtype == np.float32
    assert 0 <= scan.pixels.min() <= scan.pixels.max() <= 1
    return "read"
