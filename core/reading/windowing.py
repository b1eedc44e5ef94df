"""Stored values of a DICOM frame -> brightness: modality, window or table, polarity (PS3.3 C.11)."""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from core.errors import UnknownName
from core.types import FloatArray

# Centre and width in Hounsfield units, as most consoles have them.
PRESETS: Final = {
    "brain": (40.0, 80.0),
    "stroke": (40.0, 40.0),
    "subdural": (75.0, 215.0),
    "soft tissue": (50.0, 400.0),
    "lung": (-600.0, 1500.0),
    "bone": (400.0, 1800.0),
}
FULL: Final = "full range"
MOST_CHOICES: Final = 8  # of the file's own windows; a list of a thousand is no choice

Values = NDArray[np.float64]
Rendering = Callable[[Values], Values]


def grey(
    stored: NDArray[Any], header: Dataset, name: str = "", frame: int = 0
) -> tuple[FloatArray, tuple[str, ...], str]:
    """(H, W) stored values -> ((H, W) in [0, 1] with bright dense, the windows on offer, the one in use).

    name: one of those on offer; the first, which the file asks for itself, when empty.
    Raises UnknownName for another one, ValueError for tables and windows that make no sense.
    """
    codes = stored.view(f"u{stored.itemsize}")
    # A film has at most 65,536 different values: transform those, then look each pixel up.
    values = np.arange(2 ** (8 * stored.itemsize), dtype=codes.dtype).view(stored.dtype).astype(np.int32)
    used = np.zeros(len(values), dtype=bool)
    used[codes] = True
    padding = values == header.get("PixelPaddingValue")
    if (used & ~padding).any():
        used &= ~padding
    measured = apply_modality_lut(values, _with_groups(header, frame)).astype(np.float64)
    choices = _choices(values, used, _with_groups(header, frame))
    name = name or next(iter(choices))
    if name not in choices:
        raise UnknownName(f"No window {name!r}. Choose from: {', '.join(choices)}.")
    shown = choices[name](measured)
    if not np.isfinite(shown[used]).all():
        raise ValueError("rescale or window is not finite")
    shown = np.clip(np.nan_to_num(shown), 0, 1)
    if header.PhotometricInterpretation == "MONOCHROME1":
        shown = 1 - shown
    shown[padding & ~used] = 0  # outside of the exposed field, black in either interpretation
    pixels: FloatArray = shown.astype(np.float32)[codes]
    return pixels, tuple(choices), name


def _with_groups(header: Dataset, frame: int) -> Dataset:
    """The header with rescale and window of an enhanced multi-frame file at its top (PS3.3 C.7.6.16)."""
    flat = header
    groups = [*list(header.get("SharedFunctionalGroupsSequence") or [])[:1]]
    groups += list(header.get("PerFrameFunctionalGroupsSequence") or [])[frame : frame + 1]
    for group in groups:
        for sequence in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in list(group.get(sequence) or [])[:1]:
                if flat is header:
                    flat = Dataset()
                    flat.update(header)
                for tag in (
                    "RescaleSlope",
                    "RescaleIntercept",
                    "WindowCenter",
                    "WindowWidth",
                    "VOILUTFunction",
                ):
                    if tag in item:
                        setattr(flat, tag, item[tag].value)
    return flat


def _choices(values: NDArray[Any], used: NDArray[np.bool_], header: Dataset) -> dict[str, Rendering]:
    """How this frame can be shown, by name; the file's own way first, numbers only in the names."""
    choices: dict[str, Rendering] = {}
    for index, table in enumerate(islice(header.get("VOILUTSequence") or [], MOST_CHOICES)):
        choices[f"table {index + 1}"] = _table(header, index, int(table.LUTDescriptor[2]))
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    centres, widths = _numbers(header.get("WindowCenter")), _numbers(header.get("WindowWidth"))
    # Anonymisers write a width of 0 where they removed a window. PS3.3 wants as many centres as widths.
    for centre, width in list(zip(centres, widths, strict=False))[:MOST_CHOICES]:
        if width:
            choices.setdefault(f"window {centre:g} / {width:g}", _linear(centre, width, function))
    full = _full(values, used, header)
    if header.get("Modality") == "CT" and "RescaleIntercept" in header:
        if not choices:
            choices[FULL] = full
        for name, (centre, width) in PRESETS.items():
            choices[f"{name} {centre:g} / {width:g}"] = _linear(centre, width, "LINEAR")
    choices[FULL] = full
    return choices


def _full(values: NDArray[Any], used: NDArray[np.bool_], header: Dataset) -> Rendering:
    """8 bits keep their range; more stretch over the values in use, since a sensor rarely fills its bits."""

    def show(measured: Values) -> Values:
        top = (1 << int(header.BitsStored)) - 1  # not 2 **, whose type depends on the exponent's sign
        if top <= 255 and header.PixelRepresentation == 0 and np.array_equal(measured, values):
            return measured / top
        low, high = float(measured[used].min()), float(measured[used].max())
        return (measured - low) / ((high - low) or 1.0)

    return show


def _table(header: Dataset, index: int, depth: int) -> Rendering:
    def show(measured: Values) -> Values:
        looked_up = apply_voi(np.rint(measured).astype(np.int32), header, index=index)
        brightness: Values = looked_up.astype(np.float64) / (2.0**depth - 1)
        return brightness

    return show


def _linear(centre: float, width: float, function: str) -> Rendering:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3, with an output range of 0 to 1."""

    def show(x: Values) -> Values:
        if width < 0 or function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
            raise ValueError("no such window")
        if function == "SIGMOID":
            return 1 / (1 + np.exp(-4 * (x - centre) / width))
        if function == "LINEAR":
            return (x - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5
        return (x - centre) / width + 0.5

    return show


def _numbers(value: Any) -> list[float]:
    """What may be a list, a number, empty or absent."""
    several = value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
    return [float(number) for number in several if number not in (None, "")]
