"""All scans of a task read once and kept on disk, with the box that each network looks into."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from core import anatomy, cards, reading, resample
from core.anatomy import heads, lungs
from core.types import Region
from train.data.datasets import Case, read_films
from train.runs import cached, code

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])  # top, left, bottom, right


def load(cases: Sequence[Case], region: Region, folder: Path) -> tuple[Tensor, Tensor]:
    """Films and the boxes that networks look into, read once and kept on disk.

    cases: in the order of the result.
    region: what the boxes are around.
    folder: where both are kept.
    Returns films (N, 1, FILM_SIZE, FILM_SIZE) in [0, 1], half precision, and boxes (N, 4) in fractions.
    """

    def read() -> tuple[Tensor, Tensor]:
        films = read_films(cases)
        return films, region_boxes(films, region).clone()

    return cached("films", cache_inputs(cases, region), read, folder, mmap=True)


def cache_inputs(cases: Sequence[Case], region: Region) -> tuple[object, ...]:
    """All that films and their boxes depend on: files, the code that reads them, the network for lungs."""
    finder = cards.read("lung-fields").sha256 if region == "lungs" else None
    return [case.path for case in cases], region, finder, code(reading, resample, anatomy, read_films)


def region_boxes(films: Tensor, region: Region) -> Tensor:
    """(N, 1, H, W) -> (N, 4) in fractions: around the lungs or the head, or the whole."""
    if region == "lungs":
        return lungs.boxes(films)
    if region == "head":
        return heads.boxes(films)
    return WHOLE.expand(len(films), -1)
