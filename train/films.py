"""All scans of a task read once and kept on disk, with the box that each network looks into."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from core import heads, lungs
from core.types import Region
from train.data import Case, load_films

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])  # top, left, bottom, right


def load(cases: Sequence[Case], region: Region, folder: Path) -> tuple[Tensor, Tensor]:
    """Films (N, 1, FILM_SIZE, FILM_SIZE) in [0, 1], half precision, and boxes (N, 4) in fractions."""
    names = "\n".join([region, *(str(case.path) for case in cases)])
    path = folder / f"films-{hashlib.sha256(names.encode()).hexdigest()[:16]}.pt"
    if not path.is_file():
        films = load_films(cases)
        boxes = region_boxes(films, region).clone()
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")  # two trainings may read the same films at once
        torch.save((films, boxes), partial)
        partial.replace(path)
    films, boxes = torch.load(path, weights_only=True, mmap=True)
    return films, boxes


def region_boxes(films: Tensor, region: Region) -> Tensor:
    """(N, 1, H, W) -> (N, 4) in fractions: around the lungs or the head, or the whole."""
    if region == "lungs":
        return lungs.boxes(films)
    if region == "head":
        return heads.boxes(films)
    return WHOLE.expand(len(films), -1)
