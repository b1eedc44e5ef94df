"""python -m core outline: where a lesion is, as a picture, a mask, JSON or DICOM SEG."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

import numpy as np
from PIL import Image

from core import cards, gate, overlay
from core.anatomy import outlines
from core.anatomy.outlines import Outline
from core.card_types import SegmenterCard
from core.command_line import scans
from core.errors import OpacityError, RefusedScan
from core.types import Scan


def outline_one(options: argparse.Namespace) -> int:
    """Returns 0 once all that was asked for is written."""
    card, _ = outlines.load(options.card)
    scan = scans.read(options)
    _ask_gate(scan, card, override=options.override_gate)
    found = outlines.find(scan, card.id)
    if options.seg:
        _write_seg(options, found, card)
    Image.fromarray(overlay.outlined(scan.pixels, found.mask)).save(options.out, format="PNG")
    if options.mask:
        Image.fromarray(found.mask.astype(np.uint8) * 255).save(options.mask, format="PNG")
    if options.json:
        print(json.dumps(_answer(scan, found, card), indent=1))
    else:
        print(f"{scan.name}: {outlines.in_words(found)}")
    return 0


def _ask_gate(scan: Scan, card: SegmenterCard, *, override: bool) -> None:
    """The gate of the first card that reads the same kind of scan: a segmenter has none of its own."""
    guard = next((other for other in cards.every() if other.modality == card.modality), None)
    if guard is None:
        raise OpacityError(f"No card reads a {card.modality}, so nothing can say whether {scan.name} is one.")
    try:
        gate.check(scan, guard)
    except RefusedScan as reason:
        if not override:
            raise
        print(f"Outlined at your request although the input check refused it: {reason}", file=sys.stderr)


def _write_seg(options: argparse.Namespace, found: Outline, card: SegmenterCard) -> None:
    from core.export import segmentation  # brings highdicom, which takes a second to load

    data = options.file.read_bytes()  # again: a scan keeps nothing of its header that could tell who it is
    made = segmentation.dicom_seg(data, options.file.name, found, card, keep_patient=options.keep_patient)
    options.seg.write_bytes(made)


def _answer(scan: Scan, found: Outline, card: SegmenterCard) -> dict[str, Any]:
    return {
        "card": card.id,
        "name": scan.name,
        "digest": scan.digest,
        "areas": [asdict(mark) for mark in found.marks],
        "pixels": int(found.mask.sum()),
        "share": found.share,
        "share_of": found.within,
        "square_millimetres": found.square_millimetres,
    }
