"""The elements of a DICOM header as plain numbers and text, however their writer spelt them."""

import math
import re
import struct
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from core.reading.limits import short

_BINARY: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_UNSURE: Final = {"US or SS": "US", "US or SS or OW": "US", "US or OW": "US", "OB or OW": "OW"}
_TEXT: Final = ("DS", "IS", "LO", "SH", "CS", "UI", "ST", "LT", "UT", "DT", "DA", "TM", "AS", "PN")


def numbers(source: Dataset, keyword: str) -> list[float | None]:
    """What may be a list, a number, empty or absent; None for each value that is no finite number.

    A decimal comma is a point.
    """
    return [_number(value) for value in values(source, keyword)]


def number(source: Dataset, keyword: str) -> float | None:
    """The first of `numbers`, or None."""
    return next(iter(numbers(source, keyword)), None)


def whole(source: Dataset, keyword: str) -> int | None:
    """The first of `numbers` as a whole one, or None."""
    found = number(source, keyword)
    return None if found is None else int(found)


def text(source: Dataset, keyword: str) -> str:
    """All values, with commas between; empty when the element is absent or empty."""
    return ", ".join(str(value) for value in values(source, keyword))


def brief(source: Dataset, keyword: str, length: int = 32) -> str:
    """The same, fit to be shown: short and without markup."""
    return short(text(source, keyword), length)


def values(source: Dataset, keyword: str) -> list[Any]:
    """The values of an element as they stand, not as its value representation would have them."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in source:
        return []
    element = source.get_item(tag)
    value = element.value
    if isinstance(value, bytes):
        kind = element.VR or dictionary_VR(tag)
        if kind not in _BINARY and kind not in _TEXT:  # OW, OB, UN: what the standard says of the tag holds
            kind = dictionary_VR(tag)
        kind = _UNSURE.get(kind, kind)
        order = "<" if getattr(element, "is_little_endian", True) else ">"
        return _unpacked(value, kind, order)
    if value is None or value == "":
        return []
    return list(value) if _is_several(value) else [value]


def words(source: Dataset, keyword: str) -> tuple[bytes, str]:
    """An element of binary data as bytes, and their order ("<" or ">"); empty when there is none."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in source:
        return b"", "<"
    element = source.get_item(tag)
    value = element.value
    order = "<" if getattr(element, "is_little_endian", True) else ">"
    if isinstance(value, bytes):
        return value, order
    if value is None or value == "":
        return b"", "<"
    several = value if _is_several(value) else [value]
    plain: NDArray[np.int64] = np.array([int(one) for one in several], np.int64)
    return plain.astype("<u2").tobytes(), "<"


def items(source: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none when it is absent, empty or no sequence."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in source:
        return []
    value = source[tag].value  # pydicom's own parser, for nested items
    return [item for item in value if isinstance(item, Dataset)] if _is_several(value) else []


def _is_several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Dataset))


def _unpacked(value: bytes, kind: str, order: str) -> list[Any]:
    if kind in _BINARY:
        size = struct.calcsize(_BINARY[kind])
        count = len(value) // size
        return list(struct.unpack_from(f"{order}{count}{_BINARY[kind]}", value))
    parts = value.decode("latin-1").split("\\")
    stripped = [part.strip(" \0\t\r\n") for part in parts]
    return [] if stripped == [""] else stripped


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        spelt = value.strip()
        if "," in spelt:
            spelt = spelt.replace(",", "") if "." in spelt else spelt.replace(",", ".", 1)
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", spelt):
            return None
        value = spelt
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
