"""Is this a scan that a card may judge? Cheap rules, then a learned density."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from core import cards, feature_density
from core.anatomy import heads, lungs
from core.card_types import Card
from core.errors import RefusedScan
from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT
from core.reading import images
from core.resample import as_film
from core.types import FloatArray, LungFields, Scan

SMALLEST_SIDE = 64  # pixels; below this ribs and vessels are gone
BLACK, LEAST_BARS = 0.02, 0.1  # grey value; share of the picture that black bars have to cover to be said
LEAST_CONTRAST = 0.05  # between the 1st and the 99th percentile
SAMPLED = 2**14  # pixels: of larger scans every n-th tells the contrast as well, in a fifth of the time
MOST_COLOUR = 0.05  # share of pixels
FILM_MODALITIES = {"CR", "DX", "DR", "RG", "RF", "OT", "SC"}
LATERAL_VIEWS = {"LL", "RL", "LATERAL", "LLD", "RLD", "LAT"}
LEAST_LUNG, MOST_LUNG = 0.12, 0.65  # share of the film that both lungs cover
LEAST_SIDE = 0.04  # share of the film on either side of the middle
LEAST_CONFIDENCE = 0.88  # mean probability inside the lungs' mask


MODALITIES = {
    CHEST_FILM: FILM_MODALITIES,
    HEAD_CT: {"CT", "OT", "SC"},
    BRAIN_MRI: {"MR", "OT", "SC"},
}
LEAST_WHITE, MOST_WHITE = 0.05, 0.08  # share of the head that is as white as its brightest hundredth
CHEST_CONFIDENCE = 0.94  # the lung network is half sure of lungs in a head as well, but not as sure
BORDER, DARK, MOST_DARK = 8, 0.12, 0.88  # pixels of a film; grey value; share: heads are framed by air


@dataclass(frozen=True, slots=True, eq=False)
class ScanFeatures:
    """What the gate measures on a scan: its lungs, and its features (1, D)."""

    fields: LungFields
    features: Tensor


def describe(
    scan: Scan, fields: LungFields | None = None, *, segmenter: str = lungs.CHILDREN
) -> ScanFeatures:
    """Measure a scan for the gate.

    scan: any size.
    fields: its lungs, where the segmenter of children's films has found them already.
    segmenter: the card of the one that finds lungs.
    """
    known = fields if segmenter == lungs.CHILDREN else None
    return ScanFeatures(known or lungs.find(scan, segmenter), lungs.seen(scan)[1])


def check(
    scan: Scan,
    card: Card,
    fields: LungFields | None = None,
    *,
    described: ScanFeatures | None = None,
    negative: ScanFeatures | None = None,
    root: Path = cards.WEIGHTS,
) -> None:
    """Pass, or raise RefusedScan with the test that failed and by how much.

    scan: as it was sent.
    card: the one that shall judge it.
    fields: the scan's lungs; found here when not given.
    described: features of the scan, where many scans are measured at once.
    negative: features of its negative, likewise.
    root: the folder of weights.
    Raises CardError when the card's learned check is missing or altered.
    """
    check_header(scan, card)
    check_film(scan, card, fields, described=described, negative=negative, root=root)


def check_header(scan: Scan, card: Card) -> None:
    """The first part of `check`: size, grey values and header, of the scan as it was sent."""
    for test, reason in _header_faults(scan, card):
        raise RefusedScan(f"Not read: {reason}", test)


def check_film(
    scan: Scan,
    card: Card,
    fields: LungFields | None = None,
    *,
    described: ScanFeatures | None = None,
    negative: ScanFeatures | None = None,
    root: Path = cards.WEIGHTS,
) -> None:
    """The second part of `check`: lungs, or none where a head should be, and the learned density.

    scan: as it was sent, or at film size.
    card, fields, described, negative, root: as in `check`.
    """
    described = described or describe(scan, fields, segmenter=lungs.segmenter_of(card.input))
    for test, reason in _film_faults(scan, card, described, root):
        if test != "chest" and not scan.turned and _is_negative(scan, card, negative, root):
            raise RefusedScan(
                f"Not read: {scan.name} looks like a negative, with black and white exchanged. "
                "Turn it back to have it read.",
                "negative",
            )
        raise RefusedScan(f"Not read: {reason} {_reads(card)}{_bars_to_crop(scan)}", test)


def modality_of(scan: Scan, candidates: Sequence[Card], root: Path = cards.WEIGHTS) -> str | None:
    """What kind of scan this is: the one modality of which a card admits it.

    scan: as it was sent.
    candidates: one card of each modality that is known.
    root: the folder of weights.
    None where no card admits it, or cards of two modalities do.
    Raises CardError when a card's learned check is missing or altered.
    """
    admitting = set()
    for card in candidates:
        try:
            check(scan, card, root=root)
        except RefusedScan:
            continue
        admitting.add(card.modality)
    return admitting.pop() if len(admitting) == 1 else None


def _other_ways(scan: Scan) -> str:
    """What else the file can show, when what it shows is nothing."""
    windows = [window for window in scan.windows if window != scan.window]
    told = f" Try another window: {', '.join(windows)}." if windows else ""
    return told + (f" Or another of its {scan.frames} frames." if scan.frames > 1 else "")


def _bars_to_crop(scan: Scan) -> str:
    share = bars(scan.pixels)
    return f" Black bars cover {share:.0%} of it: crop them and try again." if share >= LEAST_BARS else ""


def bars(pixels: FloatArray) -> float:
    """Share of the picture that rows and columns at its edges cover which are black from end to end."""
    height, width = pixels.shape
    lit = pixels[:: 1 + height // 512, :: 1 + width // 512] > BLACK
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if not len(rows):
        return 0.0
    inside = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return float(1 - inside / lit.size)


def _header_faults(scan: Scan, card: Card) -> Iterator[tuple[str, str]]:
    """What size, grey values and header give away, at no cost."""
    height, width = scan.pixels.shape
    if min(height, width) < SMALLEST_SIDE:
        yield (
            "size",
            f"{scan.name} is {width} x {height} pixels; each side needs at least {SMALLEST_SIDE}. "
            "Send the original, not a thumbnail.",
        )
    low, high = _contrast(scan.pixels.ravel()[:: 1 + scan.pixels.size // SAMPLED])
    if high - low < LEAST_CONTRAST:
        yield (
            "blank",
            f"{scan.name} is blank (contrast {high - low:.2f}, at least {LEAST_CONTRAST} is needed)."
            f"{_other_ways(scan)}",
        )
    if scan.colour_share > MOST_COLOUR:
        share = f"colour in {scan.colour_share:.0%} of pixels, at most {MOST_COLOUR:.0%} is usual"
        yield (
            "colour",
            f"{scan.name} looks like a photograph ({share}), or a screenshot. "
            "Send the file itself; or crop the film out of it, straighten it, and try again.",
        )
    scout = "LOCALIZER" in scan.acquisition.get("ImageType", "")  # a projection, though a CT made it
    known = MODALITIES.get(card.modality, {scan.modality})
    fits = card.modality == CHEST_FILM if scout else scan.modality in known
    if scan.modality is not None and not fits:
        yield "modality", f"{scan.name} says that its modality is {scan.modality}. {_reads(card)}"
    if scan.age is not None and card.ages and not card.ages[0] <= scan.age <= card.ages[1]:
        yield (
            "age",
            f"{scan.name} says that its patient is {scan.age} years old. This model learned from patients of "
            f"{card.ages[0]} to {card.ages[1]} years.",
        )
    view = scan.acquisition.get("ViewPosition", "").upper()
    if card.modality == CHEST_FILM and view in LATERAL_VIEWS:
        yield "view", f"{scan.name} says that it is a lateral view ({view}). {_reads(card)}"


def _contrast(values: FloatArray) -> tuple[float, float]:
    """The 1st and 99th percentile; numpy's own, which weighs neighbours, takes five times as long."""
    ends = len(values) // 100, len(values) - 1 - len(values) // 100
    low, high = np.partition(values, ends)[list(ends)].tolist()
    return low, high


def _reads(card: Card) -> str:
    return f"This model reads {'frontal chest film' if card.modality == CHEST_FILM else card.modality}s."


def is_chest_film(scan: Scan, fields: LungFields) -> bool:
    """Whether two lungs are plain to see and the picture is not framed by air, as slices of heads are."""
    return (
        fields.confidence >= CHEST_CONFIDENCE
        and LEAST_LUNG <= fields.share <= MOST_LUNG
        and min(fields.sides) >= LEAST_SIDE
        and dark_border(as_film(scan.pixels)) <= MOST_DARK
    )


def dark_border(film: Tensor) -> float:
    """film: (1, 1, H, W) -> the dark share of its outermost pixels."""
    inner = film[..., BORDER:-BORDER, BORDER:-BORDER]
    dark = (film < DARK).float().sum() - (inner < DARK).float().sum()
    return float(dark) / (film.numel() - inner.numel())


def _film_faults(scan: Scan, card: Card, described: ScanFeatures, root: Path) -> Iterator[tuple[str, str]]:
    if card.modality == CHEST_FILM:
        yield from _lung_faults(scan, described.fields)
    else:
        yield from _head_faults(scan, card, described, root)
    if card.gate is not None:
        distance = float(_density(card, root).distance(described.features)[0])
        if distance > card.gate.threshold:
            kind = "films" if card.modality == CHEST_FILM else "slices"
            yield (
                "unlike",
                f"{scan.name} is unlike the {kind} this model learned from "
                f"(distance {distance:.2f}, at most {card.gate.threshold:.2f} is usual).",
            )


def _head_faults(scan: Scan, card: Card, described: ScanFeatures, root: Path) -> Iterator[tuple[str, str]]:
    if is_chest_film(scan, described.fields):
        yield "chest", f"{scan.name} looks like a chest film."
    white = float(heads.white_share(as_film(scan.pixels))[0])
    learned = None if card.gate is None else _density(card, root).log_odds(described.features)
    odds = None if learned is None else float(learned[0])
    if card.modality == HEAD_CT and white < LEAST_WHITE and (odds is None or odds > 0):  # skulls can be pale
        yield (
            "bone",
            f"no skull was found in {scan.name} "
            f"({white:.1%} of the head is as white as bone on CT; at least {LEAST_WHITE:.0%} is usual).",
        )
    if card.modality == BRAIN_MRI and white > MOST_WHITE:
        yield (
            "bone",
            f"{scan.name} shows a skull as white as on CT "
            f"({white:.0%} of the head; at most {MOST_WHITE:.0%} is usual on MRI).",
        )
    if card.modality == BRAIN_MRI and odds is not None and odds > 0:
        yield "kind", f"{scan.name} looks more like a CT slice (log odds {odds:.1f}; below 0 is usual)."


def _lung_faults(scan: Scan, fields: LungFields) -> Iterator[tuple[str, str]]:
    if not LEAST_LUNG <= fields.share <= MOST_LUNG or min(fields.sides) < LEAST_SIDE:
        yield (
            "lungs",
            f"no two lungs were found in {scan.name} "
            f"({fields.share:.0%} of it looks like lung; {LEAST_LUNG:.0%} to {MOST_LUNG:.0%}, "
            "on two sides, is usual).",
        )
    if fields.confidence < LEAST_CONFIDENCE:
        yield (
            "lungs",
            f"the lungs in {scan.name} are doubtful (confidence {fields.confidence:.2f}, "
            f"at least {LEAST_CONFIDENCE:.2f} is needed).",
        )


def _is_negative(scan: Scan, card: Card, described: ScanFeatures | None, root: Path) -> bool:
    """Whether black and white exchanged would pass: it costs a second look, at refused scans only."""
    if card.modality != CHEST_FILM and card.gate is None:
        return False  # the cheap rules for heads let most pictures pass
    back = images.turned_back(scan)
    seen = described or describe(back, segmenter=lungs.segmenter_of(card.input))
    return not any(_film_faults(back, card, seen, root))


def _density(card: Card, root: Path) -> feature_density.FeatureDensity:
    """Read and checked once, not for every scan nor for every card that shares it."""
    key = root, card.gate.sha256 if card.gate else ""
    if key not in _UNPACKED:
        _UNPACKED[key] = feature_density.unpack(cards.gate(card, root))
    return _UNPACKED[key]


_UNPACKED: dict[tuple[Path, str], feature_density.FeatureDensity] = {}
