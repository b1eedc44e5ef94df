"""What the pixels of an uncompressed film say against its header: its bits, and whether they have a sign."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from core.reading import elements
from core.reading.header import PIXEL_DATA, Layout

_FILMS: Final = ("CR", "DX", "DR", "RG", "RF", "MG")  # modalities whose stored values start at zero
_SEEN: Final = 0.01  # share of pixels that tell
_SOME: Final = 1 << 20  # pixels that tell


def true_bits(header: Dataset, found: Layout, notes: list[str]) -> int:
    """BitsStored, or more where the pixels of an unsigned film reach beyond it without a break.

    Old files keep overlays in the bits above: there the film is smoother without them.
    """
    stored = _stored(header, found)
    top = int(stored.max(initial=0))
    if found.signed or top < 1 << found.stored:
        return found.stored
    padding = elements.whole(header, "PixelPaddingValue")
    if padding is not None and padding & 0xFFFF > 1 << found.stored and padding & 0xFFFF in stored:
        return top.bit_length()
    if not _is_film(stored[:_SOME].astype(np.int32), found.stored):
        return found.stored
    notes.append(
        f"BitsStored (0028,0101) says {found.stored} and values need {top.bit_length()}: these count."
    )
    return top.bit_length()


def is_unsigned(header: Dataset, found: Layout, notes: list[str]) -> bool:
    """Whether a film that is said to have signed values tears in the middle unless read without a sign."""
    if not found.signed or elements.text(header, "Modality") not in _FILMS:
        return False
    stored = _stored(header, found)[:_SOME].astype(np.int32) & ((1 << found.stored) - 1)
    half = 1 << (found.stored - 1)
    if not len(stored) or not _SEEN < float((stored >= half).mean()) < 1 - _SEEN:
        return False
    plain, signed = (_jumps(each, half) for each in (stored, stored - 2 * half * (stored >= half)))
    if signed < 4 * plain or signed < 0.002 * len(stored):
        return False
    notes.append("PixelRepresentation (0028,0103) says signed and the film tears: read as unsigned.")
    return True


def _stored(header: Dataset, found: Layout) -> NDArray[np.uint16]:
    """The first frame's words; none where they are compressed or have another size."""
    if found.allocated != 16 or found.syntax.is_encapsulated:
        return np.zeros(0, np.uint16)
    order = ">" if found.syntax == uid.ExplicitVRBigEndian else "<"
    data: Any = header.get_item(PIXEL_DATA).value
    return np.frombuffer(data, f"{order}u2", count=min(len(data) // 2, found.rows * found.columns))


def _jumps(values: NDArray[np.int32], least: int) -> int:
    return int((np.abs(np.diff(values)) > least).sum())


def _is_film(values: NDArray[np.int32], bits: int) -> bool:
    """Whether what stands above these bits belongs to the numbers below, and is no overlay."""
    shares = np.bincount(values >> bits) / len(values)
    if (shares > _SEEN).sum() != 2:
        return bool((shares > _SEEN).sum() > 2)
    half = 1 << (bits - 1)
    jumps, masked = (np.abs(np.diff(each)) > half for each in (values, values & ((1 << bits) - 1)))
    return bool((masked & ~jumps).sum() > (jumps & ~masked).sum())
