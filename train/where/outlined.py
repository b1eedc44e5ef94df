"""Scans on which somebody marked the disease. Each marks (SIDE, SIDE), the whole scan on one small grid."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.anatomy import heads, lungs
from core.names import BRAIN_MRI, CHEST_FILM
from core.reading import images
from core.resample import as_film, resize
from core.types import LungFields, Scan
from train.data import datasets, hospitals
from train.data.datasets import Case
from train.data.tasks import TASKS, load_cases

Mask = NDArray[np.bool_]
SIDE = lungs.SIZE  # finer than any network's cells, and what the smallest films have
RSNA_SIDE = 1024  # of the grid that RSNA's boxes are given on


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """One scan. lungs: None of a brain. region: the hull of the lungs, or the head. outline: the disease.

    chooses: whether it is one of those that a method may be chosen by; all others are for the report.
    """

    scan: Scan
    lungs: LungFields | None
    region: Mask
    outline: Mask
    chooses: bool


def lesions(root: Path) -> Iterable[Outlined]:
    """Ground glass and consolidation on COVID films of adults; films with even numbers choose."""
    for case in datasets.chest_lesions(root):
        marks = [read_mask(file) for file in datasets.lesion_masks(root, case)]
        outline = np.any([np.zeros((SIDE, SIDE), bool), *map(_small, marks)], axis=0)
        if outline.any():
            yield _film(case, outline, chooses=int(case.path.stem) % 2 == 0)


def boxes(root: Path) -> Iterable[Outlined]:
    """RSNA's boxes of lung opacity: validation patients choose, test patients report, others teach."""
    marked = _boxes(root)
    for film in hospitals.table(root):
        name, split = film.case.path.name, film.case.split
        if film.source == "rsna128" and split in ("validation", "test") and marked[name]:
            yield _film(film.case, draw_boxes(marked[name]), chooses=split == "validation")


def _boxes(root: Path) -> dict[str, list[list[float]]]:
    folder = next(path for path in (root, root / "adults_rsna_128") if (path / "labels.csv").is_file())
    with (folder / "labels.csv").open(newline="") as file:
        return {
            row["file"]: json.loads(row["boxes_left_top_width_height_of_1024"])
            for row in csv.DictReader(file)
        }


def draw_boxes(given: Iterable[Iterable[float]]) -> Mask:
    """Boxes (left, top, width, height) on RSNA's grid as one mask (SIDE, SIDE)."""
    mask = np.zeros((SIDE, SIDE), dtype=np.bool_)
    for box in given:
        left, top, width, height = (round(value * SIDE / RSNA_SIDE) for value in box)
        mask[top : top + height, left : left + width] = True
    return mask


def tumours(root: Path) -> Iterable[Outlined]:
    """Outlines of tumours on MRI slices: those held out for validation choose, those of test report."""
    for case in load_cases(TASKS["brain-mri"], root, seed=0):
        file = datasets.tumour_mask(root, case)
        if case.split != "train" and file.is_file():
            scan = images.read(case.path.read_bytes(), case.name)
            head = heads.masks(as_film(scan.pixels))[0].numpy()
            outline = _small(read_mask(file))
            yield Outlined(scan, None, _small(head), outline, chooses=case.split == "validation")


def read_mask(file: Path) -> Mask:
    """Where a picture is not black."""
    mask: Mask = np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) > 0
    return mask


SETS: Mapping[str, Mapping[str, Callable[[Path], Iterable[Outlined]]]] = {
    CHEST_FILM: {"COVID lesions": lesions, "RSNA boxes": boxes},
    BRAIN_MRI: {"tumours": tumours},
}


def _film(case: Case, outline: Mask, *, chooses: bool) -> Outlined:
    scan = images.read(case.path.read_bytes(), case.name)
    probability = lungs.probabilities(as_film(scan.pixels), lungs.network(lungs.ALL_AGES))[0]
    return Outlined(scan, lungs.find(scan), lungs.hull(lungs.clean(probability)), outline, chooses)


def _small(mask: Mask) -> Mask:
    """(H, W) -> (SIDE, SIDE): places that lie in it by half."""
    shares = resize(torch.from_numpy(mask)[None, None].float(), SIDE, SIDE)
    return (shares[0, 0] >= 0.5).numpy()
