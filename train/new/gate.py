"""The learned check of an own card: from its own films alone, tried on what ships."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from core import cards, samples
from core.card_types import Card
from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT
from core.types import Region
from train.data.datasets import evenly_spaced, in_split
from train.gate.__main__ import fit_gates
from train.gate.pictures import (
    GateData,
    Kind,
    acquisition_shifted,
    flipped_kinds,
    read_scans,
    synthetic_kinds,
)
from train.new.request import Prepared

PER_KIND = 40  # pictures of one kind
WAYS_UP = (CHEST_FILM, HEAD_CT, BRAIN_MRI)  # what is expected one way up; of others nobody knows


def make(prepared: Prepared, card: Card) -> None:
    """Fit and measure it, and put it on the card."""
    torch.manual_seed(prepared.request.seed)
    normal = prepared.labels[0]
    own = [
        case
        for case in prepared.films.cases
        if case.split != "test" and (card.kind == "classifier" or case.label == normal)
    ]
    region: Region = "head" if prepared.region == "head" else "whole"
    data = GateData(
        cases=lambda _: own,
        more="the same films taken otherwise",
        of_own=True,
        fitted=partial(acquisition_shifted, seed=0, region=region),
        held_out=partial(acquisition_shifted, seed=1, region=region),
        kinds=partial(kinds, prepared),
    )
    with tempfile.TemporaryDirectory() as folder:  # the app goes on with the old check until all is measured
        fit_gates([card], data, Path(folder), prepared.request.seed)
    cards.drop_unused_gates()


def kinds(prepared: Prepared, seed: int) -> Iterator[Kind]:
    """Own test films, which should pass, and strangers: turned films, samples that ship, what is no scan."""
    modality = prepared.request.modality
    test = [case.path for case in in_split(prepared.films.cases, "test")]
    yield "own test films", False, read_scans(test)
    if modality in WAYS_UP:
        yield from flipped_kinds("films", evenly_spaced(test, PER_KIND))
    shipped = samples.every()
    for other in sorted({sample.modality for sample in shipped} - {modality}):
        paths = [sample.path for sample in shipped if sample.modality == other]
        yield f"synthetic {other}s", True, read_scans(evenly_spaced(paths, PER_KIND))
    yield from synthetic_kinds(seed, PER_KIND)
