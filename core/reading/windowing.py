"""Stored values of a DICOM frame -> brightness: modality, window or table, polarity (PS3.3 C.11)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from core.errors import UnknownName
from core.reading import elements, padding, ranges, tables
from core.reading.header import Layout
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
FUNCTIONS: Final = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
MOST_CHOICES: Final = 8  # of the file's own windows; a list of a thousand is no choice

Values = NDArray[np.float64]
Rendering = Callable[[Values], Values]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A frame's pixels as codes, and the values that the codes stand for.

    codes: (H, W) without sign. values: (N,) of each code. counts: (N,) pixels that have it; padding: (N,).
    """

    codes: NDArray[Any]
    values: NDArray[np.int64]
    counts: NDArray[np.int64]
    padding: NDArray[np.bool_]

    @property
    def used(self) -> NDArray[np.bool_]:
        """(N,): which codes occur inside the film."""
        return (self.counts > 0) & ~self.padding


def grey(
    stored: NDArray[Any], header: Dataset, found: Layout, name: str, frame: int, notes: list[str]
) -> tuple[FloatArray, tuple[str, ...], str]:
    """(H, W) stored values -> ((H, W) in [0, 1] with bright dense, the windows on offer, the one in use).

    name: one of those on offer; when empty, the first that shows something: the file's own way comes first,
    and the full range last. Appends to notes what was left out. Raises UnknownName for another name.
    """
    pixels = _coded(stored, header, found)
    flat = _with_groups(header, frame)
    measured = _measured(pixels, flat, found, notes)
    choices = _choices(pixels, measured, flat, found, notes)
    if name and name not in choices:
        raise UnknownName(f"No window {name!r}. Choose from: {', '.join(choices)}.")
    usual = _first_that_shows(choices, measured, pixels)
    if not name and usual != next(iter(choices)):
        notes.append(f"{next(iter(choices))} shows nothing of this film: {usual} is used.")
    name = name or usual
    shown = np.clip(np.nan_to_num(choices[name](measured)), 0, 1)
    if found.photometric == "MONOCHROME1":
        shown = 1 - shown
    shown[pixels.padding] = 0  # outside of the exposed field, black in either interpretation
    brightness: FloatArray = shown.astype(np.float32)[pixels.codes]
    return brightness, tuple(dict.fromkeys((usual, *choices))), name


def _coded(stored: NDArray[Any], header: Dataset, found: Layout) -> Stored:
    # A film has at most 65,536 different values: transform those, then look each pixel up.
    codes = stored.view(f"u{stored.itemsize}")
    values = np.arange(2 ** (8 * stored.itemsize), dtype=codes.dtype).view(stored.dtype).astype(np.int64)
    counts = np.bincount(codes.ravel(), minlength=len(values))
    outside = padding.mask(
        values,
        counts > 0,
        header,
        allocated=8 * stored.itemsize,
        stored=found.stored,
        signed=stored.dtype.kind == "i",
    )
    return Stored(codes, values, counts, outside)


_PER_FRAME: Final = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction")


def _with_groups(header: Dataset, frame: int) -> Dataset:
    """The header with rescale and window of an enhanced multi-frame file at its top (PS3.3 C.7.6.16)."""
    flat = header
    groups = elements.items(header, "SharedFunctionalGroupsSequence")[:1]
    groups += elements.items(header, "PerFrameFunctionalGroupsSequence")[frame : frame + 1]
    for group in groups:
        for sequence in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in elements.items(group, sequence)[:1]:
                if flat is header:
                    flat = Dataset()
                    flat.update(header)
                for keyword in _PER_FRAME:
                    if said := elements.values(item, keyword):
                        flat.add_new(keyword, "LO", [str(one) for one in said])
    return flat


def _measured(pixels: Stored, header: Dataset, found: Layout, notes: list[str]) -> Values:
    """(N,) what each value means: by the Modality LUT, or else by rescale, or as it is."""
    inside = pixels.values[pixels.used]
    for item in elements.items(header, "ModalityLUTSequence")[:1]:
        table = tables.read(item, float(inside.min()), float(inside.max()), signed=found.signed)
        if table is not None:
            return table.look_up(pixels.values).astype(np.float64)
        notes.append("The Modality LUT is empty or damaged: left out.")
    slope, intercept = (elements.number(header, tag) for tag in ("RescaleSlope", "RescaleIntercept"))
    for tag, value in (
        ("RescaleSlope (0028,1053)", slope or None),
        ("RescaleIntercept (0028,1052)", intercept),
    ):
        if value is None and tag.split(" ")[0] in header:
            notes.append(f"{tag} is no number to rescale by: left out.")
    measured: Values = pixels.values.astype(np.float64) * (slope or 1.0) + (intercept or 0.0)
    reach, levels = (float(np.ptp(each[pixels.used])) for each in (measured, pixels.values))
    if reach < 1e30 and (reach > 0 or levels == 0):
        return measured
    notes.append("RescaleSlope and RescaleIntercept go beyond all numbers: left out.")
    return pixels.values.astype(np.float64)


def _choices(
    pixels: Stored, measured: Values, header: Dataset, found: Layout, notes: list[str]
) -> dict[str, Rendering]:
    """How this frame can be shown, by name; the file's own way first, numbers only in the names."""
    choices: dict[str, Rendering] = {}
    inside = measured[pixels.used]
    for index, item in enumerate(elements.items(header, "VOILUTSequence")[:MOST_CHOICES], 1):
        table = tables.read(item, float(inside.min()), float(inside.max()), signed=found.signed)
        if table is None:
            notes.append(f"VOI LUT {index} is empty or damaged: left out.")
        else:
            choices[f"table {index}"] = _by_table(table)
    for centre, width in _windows(header, notes):
        choices.setdefault(f"window {centre:g} / {width:g}", _linear(centre, width, _function(header, notes)))
    full = _full(pixels, found)
    if elements.text(header, "Modality") == "CT" and "RescaleIntercept" in header:
        if not choices:
            choices[FULL] = full
        for name, (centre, width) in PRESETS.items():
            choices[f"{name} {centre:g} / {width:g}"] = _linear(centre, width, "LINEAR")
    choices[FULL] = full
    return choices


def _windows(header: Dataset, notes: list[str]) -> list[tuple[float, float]]:
    """Centres and widths that can be used. Anonymisers write a width of 0 where they removed a window."""
    centres, widths = elements.numbers(header, "WindowCenter"), elements.numbers(header, "WindowWidth")
    pairs = list(zip(centres, widths, strict=False))[:MOST_CHOICES]
    good = [(c, w) for c, w in pairs if c is not None and w is not None and 0 < w < 1e30 and abs(c) < 1e30]
    if len(good) < len([pair for pair in pairs if pair[1] != 0]) or len(centres) != len(widths):
        notes.append(
            "A window (0028,1050) and (0028,1051) is no pair of a number and a width above 0: left out."
        )
    return good


def _function(header: Dataset, notes: list[str]) -> str:
    said = elements.text(header, "VOILUTFunction").upper() or "LINEAR"
    if said in FUNCTIONS:
        return said
    note = f"VOILUTFunction (0028,1056) says {elements.brief(header, 'VOILUTFunction')}: read as LINEAR."
    if note not in notes:
        notes.append(note)
    return "LINEAR"


def _first_that_shows(choices: dict[str, Rendering], measured: Values, pixels: Stored) -> str:
    """The first window with contrast inside the film: the file's own way unless that shows nothing."""
    some = pixels.codes.ravel()[:: 1 + pixels.codes.size // ranges.SAMPLED]
    inside = some[~pixels.padding[some]]
    for name, show in choices.items():
        shown = np.clip(np.nan_to_num(show(measured)), 0, 1)
        if len(inside) and ranges.contrast(shown[inside]) >= ranges.LEAST_CONTRAST:
            return name
    return next(iter(choices))


def _full(pixels: Stored, found: Layout) -> Rendering:
    """8 bits keep their range; more stretch over the values in use, since a sensor rarely fills its bits."""

    def show(measured: Values) -> Values:
        top = (1 << found.stored) - 1
        if top <= 255 and not found.signed and np.array_equal(measured, pixels.values):
            return measured / top
        used = pixels.used
        low, high = ranges.of_counts(measured[used], pixels.counts[used])
        return (measured - low) / ((high - low) or 1.0)

    return show


def _by_table(table: tables.Table) -> Rendering:
    def show(measured: Values) -> Values:
        brightness: Values = table.look_up(measured) / float(table.top)
        return brightness

    return show


def _linear(centre: float, width: float, function: str) -> Rendering:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3, with an output range of 0 to 1.

    A LINEAR window of width 1 or less would be a step: it is meant for values with fractions, exactly.
    """

    def show(x: Values) -> Values:
        if function == "SIGMOID":
            steep = np.clip(-4 * (x - centre) / width, -700, 700)
            return 1 / (1 + np.exp(steep))
        if function == "LINEAR" and width > 1:
            return (x - (centre - 0.5)) / (width - 1) + 0.5
        return (x - centre) / width + 0.5

    return show
