"""Is this a scan that a card may judge?"""

from collections.abc import Iterator

import numpy as np

from core import lungs
from core.errors import RefusedScan
from core.types import Card, LungFields, Scan

SMALLEST_SIDE = 64  # pixels; below this ribs and vessels are gone
LEAST_CONTRAST = 0.05  # between the 1st and the 99th percentile
MOST_COLOUR = 0.05  # share of pixels
FILM_MODALITIES = {"CR", "DX", "DR", "RG", "RF", "OT", "SC"}
LEAST_LUNG, MOST_LUNG = 0.12, 0.65  # share of the film that both lungs cover
LEAST_SIDE = 0.04  # share of the film on either side of the middle
LEAST_CONFIDENCE = 0.88  # mean probability inside the lungs' mask


def check(scan: Scan, card: Card, fields: LungFields | None = None) -> None:
    """Pass, or raise RefusedScan with the rule that failed and by how much.

    fields: the scan's lungs; found here when not given and the card reads lungs.
    """
    for reason in _image_faults(scan):
        raise RefusedScan(f"Not read: {reason}")
    if card.input.region == "lungs":
        for reason in _film_faults(scan, fields):
            raise RefusedScan(f"Not read: {reason} This model reads frontal chest films.")


def _image_faults(scan: Scan) -> Iterator[str]:
    height, width = scan.pixels.shape
    if min(height, width) < SMALLEST_SIDE:
        yield (
            f"{scan.name} is {width} x {height} pixels; each side needs at least {SMALLEST_SIDE}. "
            "Send the original, not a thumbnail."
        )
    low, high = np.percentile(scan.pixels, (1, 99))
    if high - low < LEAST_CONTRAST:
        yield f"{scan.name} is blank (contrast {high - low:.2f}, at least {LEAST_CONTRAST} is needed)."
    if scan.colour_share > MOST_COLOUR:
        yield f"{scan.name} looks like a photograph (colour in {scan.colour_share:.0%} of pixels)."


def _film_faults(scan: Scan, fields: LungFields | None) -> Iterator[str]:
    if scan.modality is not None and scan.modality not in FILM_MODALITIES:
        yield f"{scan.name} says that its modality is {scan.modality}."
    fields = fields or lungs.find(scan)
    if not LEAST_LUNG <= fields.share <= MOST_LUNG or min(fields.sides) < LEAST_SIDE:
        yield (
            f"no two lungs were found in {scan.name} "
            f"({fields.share:.0%} of it looks like lung; {LEAST_LUNG:.0%} to {MOST_LUNG:.0%}, "
            "on two sides, is usual)."
        )
    if fields.confidence < LEAST_CONFIDENCE:
        yield (
            f"the lungs in {scan.name} are doubtful (confidence {fields.confidence:.2f}, "
            f"at least {LEAST_CONFIDENCE:.2f} is needed)."
        )
