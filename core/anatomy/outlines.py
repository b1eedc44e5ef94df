"""Where a lesion is: what a card that outlines marks on a scan, how large it is and on which side."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core import cards, checkpoints
from core.anatomy import heads, lungs, shapes
from core.card_types import SegmenterCard
from core.errors import UnknownName
from core.preprocess import align, to_scan_space
from core.resample import as_film, resize
from core.types import FloatArray, InputSpec, Scan

SEEN = {"lungs": "lungs", "head": "head", "whole": "picture"}  # what an area is a share of, by region


@dataclass(frozen=True, slots=True)
class Mark:
    """One island of an outline. pixels: its area. side: the patient's, of chest films alone, else empty."""

    pixels: int
    side: str


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What a card marks. mask, probability of each place: (H, W) in scan geometry. marks: the mask's islands,
    the largest first.

    within: what `share` is a share of. share: of that, in [0, 1]. square_millimetres: None where the file
    says nothing of the size of its pixels in the patient.
    """

    mask: NDArray[np.bool_]
    probability: FloatArray
    marks: tuple[Mark, ...]
    within: str
    share: float
    square_millimetres: float | None


@cache
def load(card_id: str) -> tuple[SegmenterCard, nn.Module]:
    """The card and its frozen network, one for all of this process.

    Raises UnknownName for a card that outlines no lesion, or CardError.
    """
    card = cards.read(card_id)
    if not isinstance(card, SegmenterCard) or card.task == "lungs":
        known = ", ".join(each.id for each in cards.outlining())
        raise UnknownName(f"{card_id} outlines no lesion. Choose from: {known}.")
    return card, checkpoints.network(card)


def find(scan: Scan, card_id: str) -> Outline:
    """The lesions that the card marks. Does not ask the gate: callers do, before.

    scan: any size.
    card_id: of a card that outlines.
    """
    card, network = load(card_id)
    seen = probability(scan, network, card.input)
    mask = marked(seen, card.threshold, card.smallest)
    region = _region(scan, card.input)
    return Outline(
        mask=mask,
        probability=seen,
        marks=_marks(mask, scan, card.input),
        within=SEEN[card.input.region],
        share=float(mask.sum() / max((region | mask).sum(), 1)),
        square_millimetres=_square_millimetres(scan, int(mask.sum())),
    )


def probability(scan: Scan, network: nn.Module, spec: InputSpec) -> FloatArray:
    """How probably each place is lesion: (H, W) in scan geometry, 0 where the network does not look.

    scan: any size.
    network: (1, C, size, size) -> (1, 1, size, size) logits.
    spec: what it is fed.
    """
    x, frame = align(scan, spec)
    with torch.inference_mode():
        return to_scan_space(torch.sigmoid(network(x))[0, 0], frame)


def marked(probability: FloatArray, threshold: float, smallest: float) -> NDArray[np.bool_]:
    """The islands that are probable enough and large enough.

    probability: (H, W).
    threshold: a place is marked from here on.
    smallest: share of the picture; smaller islands are left out.
    """
    mask = np.asarray(probability >= threshold)
    labels, areas = shapes.islands(mask)
    keep = 1 + np.flatnonzero(areas >= smallest * mask.size)
    return np.isin(labels, keep)


def _region(scan: Scan, spec: InputSpec) -> NDArray[np.bool_]:
    """(H, W), what the area is a share of."""
    if spec.region == "lungs":
        return lungs.find(scan, lungs.segmenter_of(spec)).mask
    if spec.region == "head":
        head = heads.masks(as_film(scan.pixels)).float()[None]
        return (resize(head, *scan.pixels.shape)[0, 0] >= 0.5).numpy()
    return np.ones(scan.pixels.shape, dtype=np.bool_)


def _marks(mask: NDArray[np.bool_], scan: Scan, spec: InputSpec) -> tuple[Mark, ...]:
    labels, areas = shapes.islands(mask)
    middle = None
    if spec.region == "lungs":
        _, left, _, right = lungs.find(scan, lungs.segmenter_of(spec)).box
        middle = (left + right) / 2
    order = np.argsort(areas)[::-1]
    return tuple(Mark(int(areas[i]), _side(labels == i + 1, middle)) for i in order)


def _side(island: NDArray[np.bool_], middle: float | None) -> str:
    """The patient's side: films are hung as if one faced the patient. middle: column between the lungs."""
    if middle is None:
        return ""
    return "right" if np.nonzero(island)[1].mean() < middle else "left"


def _square_millimetres(scan: Scan, pixels: int) -> float | None:
    """None where the spacing is the detector's, not the patient's."""
    spacing = scan.spacing
    return None if spacing is None or spacing.at_detector else pixels * spacing.down * spacing.across


def in_words(outline: Outline, tr: Callable[[str], str] = str) -> str:
    """Area and side of all marks, as a sentence.

    outline: what was found.
    tr: puts a part of it into the reader's language.
    """
    if not outline.marks:
        return tr("Nothing is outlined.")
    area = tr("{share:.1%} of the {within}").format(share=outline.share, within=tr(outline.within))
    if outline.square_millimetres is not None:
        area = f"{outline.square_millimetres:.0f} mm², {area}"
    count = len(outline.marks)
    told = tr("One area outlined") if count == 1 else tr("{count} areas outlined").format(count=count)
    if sides := sorted({mark.side for mark in outline.marks if mark.side}):
        told += tr(", on the patient's {side}").format(side=tr(" and ").join(map(tr, sides)))
    return f"{told}: {area}."
