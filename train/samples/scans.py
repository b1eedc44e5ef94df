"""The scans that the sample generator learns from: chest films and brain slices under one roof."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.anatomy import heads
from core.resample import FILM_SIZE, crop
from train.data import films, tasks
from train.data.datasets import Case, in_split
from train.data.tasks import TASKS
from train.runs import cached, code

# of the film, around the lungs' box but never beyond the film's edge: neck, arms and belly stay in
WIDE_LUNGS = torch.tensor([-0.08, -0.08, 0.08, 0.08])
WIDE_HEAD = 0.03
ORDER = ("etiology", "brain-mri")
CONDITIONS = (
    ("etiology", "normal"),
    ("etiology", "bacterial"),
    ("etiology", "viral"),
    ("brain-mri", "normal"),
    ("brain-mri", "glioma"),
    ("brain-mri", "meningioma"),
    ("brain-mri", "pituitary"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Scans:
    """pixels: (N, 1, FILM_SIZE, FILM_SIZE) in [0, 1], half. condition: (N,), places in CONDITIONS."""

    pixels: Tensor
    condition: Tensor
    patients: tuple[str, ...]


def load_scans(data: Path, split: str, runs: Path) -> Scans:
    """All scans of a split, films framed by the lungs and slices by the head, once, and kept in runs.

    data: the folder with the public data sets.
    split: its name.
    runs: where scans are kept.
    """
    parts = [in_split(tasks.load_cases(TASKS[task], data, seed=0), split) for task in ORDER]
    asked = list(zip(ORDER, parts, strict=True))

    def frame() -> Tensor:
        return (torch.cat([_pixels(task, cases, runs) for task, cases in asked]) * 255).round().byte()

    read = [films.cache_inputs(cases, TASKS[task].region) for task, cases in asked]
    known = WIDE_LUNGS, WIDE_HEAD, read, code(_pixels, _squares, crop_scans)
    pixels = cached(f"samples-{split}", known, frame, runs, mmap=True)
    named = [(task, case) for task, cases in asked for case in cases]
    condition = torch.tensor([CONDITIONS.index((task, case.label)) for task, case in named])
    return Scans(pixels.float().div_(255).half(), condition, tuple(case.patient for _, case in named))


def _pixels(task: str, cases: list[Case], runs: Path) -> Tensor:
    pixels, boxes = films.load(cases, TASKS[task].region, runs)
    if TASKS[task].region == "lungs":
        return crop_scans(pixels, (boxes + WIDE_LUNGS).clamp(0, 1))
    return crop_scans(pixels, _squares(torch.cat([heads.boxes(some) for some in pixels.split(256)])))


def _squares(boxes: Tensor) -> Tensor:
    """(N, 4) -> (N, 4), about the same middle: heads keep their shape, and air is black beyond the edge."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(1, keepdim=True).values / 2 + WIDE_HEAD
    return torch.cat([middle - half, middle + half], dim=1)


def crop_scans(pixels: Tensor, boxes: Tensor) -> Tensor:
    """Cut each scan's box out: organs then vary less in place, and there is less to learn."""
    parts = zip(pixels.split(64), boxes.split(64), strict=True)
    return torch.cat([crop(some.float(), box, FILM_SIZE).half() for some, box in parts])


def family_of(condition: Tensor) -> Tensor:
    """(N,) conditions -> (N,): 0 for chest films, 1 for brain slices."""
    return torch.tensor([task == "brain-mri" for task, _ in CONDITIONS]).long()[condition]
