"""Lookup tables of a DICOM header: Modality LUT, VOI LUT, palettes, segmented palettes (PS3.3 C.7.9, C.11).

What a descriptor declares is not trusted: the entries count.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from core.errors import UnreadableImage
from core.reading import elements

Entries = NDArray[np.int64]
_MOST: Final = 2**16  # entries of one table
_ENOUGH: Final = 0.9  # of the declared entries; some writers leave the last ones out


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """entries[0] is for the value `first` and below, the last one for all above. top: full brightness."""

    first: int
    entries: Entries
    top: int

    def look_up(self, values: NDArray[Any]) -> Entries:
        """The entry for each value; any shape."""
        places = np.clip(np.rint(values).astype(np.int64) - self.first, 0, len(self.entries) - 1)
        looked_up: Entries = self.entries[places]
        return looked_up


def read(item: Dataset, low: float, high: float, *, signed: bool) -> Table | None:
    """The table of one item of a LUT sequence; None when it is empty, cut short or shows one grey only.

    low, high: of the values to be looked up. signed: whether their kind can be below zero.
    """
    descriptor = elements.numbers(item, "LUTDescriptor")
    data, order = elements.words(item, "LUTData")
    parts = _descriptor(descriptor)
    if parts is None or not data:
        return None
    count, first, bits = parts
    entries = _entries(data, order, count, bits)
    if len(entries) < max(2, _ENOUGH * count) or entries.min() == entries.max():
        return None
    return Table(_first(first, len(entries), low, high, signed=signed), entries, top(entries, bits))


def top(entries: NDArray[Any], bits: int) -> int:
    """Full brightness: the smallest 2^n - 1 that holds all entries; from 8 bits on, or fewer if declared."""
    return (1 << max(int(entries.max()).bit_length(), min(bits, 8) if bits > 0 else 8)) - 1


def _descriptor(numbers: list[float | None]) -> tuple[int, int, int] | None:
    """Number of entries, first value mapped as 16 bits without sign, declared bits."""
    whole = [int(number) for number in numbers if number is not None]
    if len(numbers) != 3 or len(whole) != 3:
        return None
    return (whole[0] & 0xFFFF) or _MOST, whole[1] & 0xFFFF, whole[2]


def _entries(data: bytes, order: str, count: int, bits: int) -> Entries:
    """One entry a word; or one a byte, two to a word, where there are only so many bytes."""
    pairs = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")
    if len(data) <= count + 1 and (bits <= 8 or len(data) >= count):
        each = np.frombuffer(data, np.uint8) if len(data) % 2 else pairs.astype("<u2").view(np.uint8)
        return each[:count].astype(np.int64)
    words = pairs[:count].astype(np.int64)
    return words >> 8 if len(words) and not (words & 0xFF).any() else words  # 8 bits in the high byte


def _first(first: int, count: int, low: float, high: float, *, signed: bool) -> int:
    """The first value mapped, with the sign by which the table meets the values."""
    other = first - 2**16 if first >= 2**15 else first

    def meets(start: int) -> bool:
        return start <= high and low <= start + count - 1

    if meets(first) != meets(other):
        return other if meets(other) else first
    return other if signed or low < 0 else first


def colours(stored: NDArray[Any], header: Dataset) -> tuple[NDArray[np.int64], int]:
    """PALETTE COLOR: (H, W) indices -> ((H, W, 3), the value of full brightness).

    Raises UnreadableImage when a palette is missing or cut short.
    """
    planes = [
        _palette(header, colour, signed=stored.dtype.kind == "i") for colour in ("Red", "Green", "Blue")
    ]
    full = max(plane.top for plane in planes)
    return np.stack([plane.look_up(stored) for plane in planes], axis=2), full


def _palette(header: Dataset, colour: str, *, signed: bool) -> Table:
    keyword = f"{colour}PaletteColorLookupTable"
    parts = _descriptor(elements.numbers(header, f"{keyword}Descriptor"))
    data, order = elements.words(header, f"{keyword}Data")
    missing = UnreadableImage(f"lacks its palette or holds half of it ({keyword}Data): export it in grey.")
    if parts is None:
        raise missing
    count, first, bits = parts
    if data:
        entries = _entries(data, order, count, bits)
    else:
        entries = _segments(*elements.words(header, f"Segmented{keyword}Data"), count, bits)
    if len(entries) < _ENOUGH * count:
        raise missing
    start = first - 2**16 if signed and first >= 2**15 else first
    return Table(start, entries, top(entries, bits))


def _segments(data: bytes, order: str, count: int, bits: int) -> Entries:
    """A segmented palette spread out: of bytes or of words, whichever comes to the declared length."""
    words = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")
    single = words.astype("<u2").view(np.uint8)
    for units, size in ((single, 1), (words, 2)) if bits <= 8 else ((words, 2), (single, 1)):
        spread = _spread(units.tolist(), size, count)
        if len(spread) == count:
            return np.array(spread, np.int64)
    return np.zeros(0, np.int64)


def _spread(units: list[int], size: int, count: int) -> list[int]:
    """PS3.3 C.7.9.2: runs of values (0), straight lines (1), earlier segments once more (2).

    size: of a unit, in bytes.
    """
    spread: list[int] = []
    at = 0
    while at + 1 < len(units) and len(spread) < count:
        kind, length = units[at], units[at + 1]
        if kind != 2:
            at = _segment(units, at, spread)
            continue
        parts = units[at + 2 : at + 2 + 4 // size]
        source = sum(part << (8 * size * place) for place, part in enumerate(parts)) // size
        for _ in range(length):
            if not 0 <= source < len(units) - 1 or units[source] == 2 or len(spread) >= count:
                break
            source = _segment(units, source, spread)
        at += 2 + 4 // size
    return spread


def _segment(units: list[int], at: int, spread: list[int]) -> int:
    """Append one segment; gives where the next one starts, beyond the end for one that is none."""
    kind, length = units[at], units[at + 1]
    if kind == 0:
        spread += units[at + 2 : at + 2 + length]
        return at + 2 + length
    if kind != 1 or at + 2 >= len(units) or not spread or not length:
        return len(units)
    start, end = spread[-1], units[at + 2]
    spread += [round(start + (end - start) * step / length) for step in range(1, length + 1)]
    return at + 3
