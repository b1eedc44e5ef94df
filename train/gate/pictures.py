"""What the gate of each kind of card learns from, and the pictures that it is tried on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from core.anatomy import heads
from core.card_types import Card
from core.errors import UnreadableImage
from core.names import CHEST_FILM
from core.reading import images
from core.resample import FILM_SIZE, as_film, crop
from core.types import Scan
from train.data import augment, sources, tasks
from train.data.datasets import Case, chest_xray
from train.data.sources import SOURCES
from train.data.tasks import TASKS
from train.gate import negatives

MOST = 300  # pictures of one kind, except where false refusals are counted

Kind = tuple[str, bool, Iterator[Scan]]
"""Name, whether it ought to be refused, scans."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the gate of one modality learns beside a card's own scans, so that these are no strangers.

    cases: a card's own training and validation scans. more: what is added, in words; of_own: whether it is
    made from those. fitted, held_out: from own scans of either side to films (1, 1, FILM_SIZE, FILM_SIZE).
    kinds: pictures to try the gate on, from a seed. others: training scans that look much the same and are
    of another modality.
    """

    cases: Callable[[Card], list[Case]]
    more: str
    of_own: bool
    fitted: Callable[[Sequence[Case]], Iterator[Tensor]]
    held_out: Callable[[Sequence[Case]], Iterator[Tensor]]
    kinds: Callable[[int], Iterator[Kind]]
    others: Sequence[Case] = ()


def lesson(modality: str, data: Path) -> Lesson:
    """For cards of that modality."""
    if modality == CHEST_FILM:
        return _chest_lesson(data)
    name = next(name for name, source in SOURCES.items() if source.modality == modality)
    return _head_lesson(data, name, {"brain-mri": _mri_kinds, "brain-ct": _ct_kinds}[name])


def _chest_lesson(data: Path) -> Lesson:
    adults = [
        case
        for case in tasks.gather(TASKS["covid"], data, seed=0)
        if case.name.startswith("covid_radiography/") and case.label in ("normal", "covid")
    ]
    fitted, held_out = (
        [case.path for case in tasks.of_split(adults, split)] for split in ("train", "validation")
    )
    return Lesson(
        cases=partial(_films_of, data=data),
        more="adults (COVID-19 Radiography)",
        of_own=False,
        fitted=lambda _: films(paths(fitted)),
        held_out=lambda _: films(paths(held_out)),
        kinds=partial(_chest_kinds, data, tasks.of_split(adults, "test")),
    )


def _films_of(card: Card, data: Path) -> list[Case]:
    """The films that the card learned from or was chosen with."""
    cases = tasks.gather(tasks.of_card(card), data, seed=0) if card.task in TASKS else chest_xray(data)
    return [case for case in cases if case.split in ("train", "validation")]


def _head_lesson(data: Path, name: str, kinds: Callable[[Path, int], Iterator[Kind]]) -> Lesson:
    every = sources.gather(SOURCES[name], data, seed=0)
    (other,) = (n for n, source in SOURCES.items() if source.region == "head" and n != name)
    return Lesson(
        cases=lambda _: [case for case in every if case.split != "test"],
        more="the same slices taken otherwise",
        of_own=True,
        fitted=partial(taken_otherwise, seed=0),
        held_out=partial(taken_otherwise, seed=1),
        kinds=partial(kinds, data),
        others=[case for case in sources.gather(SOURCES[other], data, seed=0) if case.split == "train"],
    )


def taken_otherwise(cases: Sequence[Case], *, seed: int) -> Iterator[Tensor]:
    """Each slice as another hospital might send it: framed, turned, windowed and resolved in another way.

    One hospital is all there is to learn from.
    """
    generator = Generator().manual_seed(seed)
    for part in _parts(films(paths([case.path for case in cases])), 32):
        boxes, angle = augment.jitter_boxes(heads.boxes(part), generator, shift=0.04, zoom=0.12, turn=10)
        column = (len(part), 1, 1, 1)
        low, high = (
            augment.uniform(generator, column, -0.05, 0.15),
            augment.uniform(generator, column, 0.75, 1),
        )
        shown = ((crop(part, boxes, FILM_SIZE, angle=angle) - low) / (high - low)).clamp(0, 1)
        yield from augment.acquisition(shown, generator, chance=0.6).clamp(0, 1).split(1)


def _parts(these: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    while part := list(islice(these, size)):
        yield torch.cat(part)


def _chest_kinds(data: Path, adults: Sequence[Case], seed: int) -> Iterator[Kind]:
    test = [case.path for case in chest_xray(data) if case.split == "test"]
    well, ill = ([case.path for case in adults if case.label == label] for label in ("normal", "covid"))
    both = spread([*test, *well], MOST)
    yield "children's films, official test", False, paths(test)
    yield "adults' normal films, held out", False, paths(well)
    yield "adults' films with COVID-19, held out", False, paths(ill)
    yield "DICOM chest films", False, readable(files(data / "dicom/cxr"))
    yield from _turned_over("films", both)
    yield "brain MRI", True, paths(spread(files(data / "brain_mri/test"), MOST))
    for folder in ("brain_ct", "brain_ct_hemorrhage"):
        yield f"head CT ({folder})", True, paths(spread(files(data / folder), MOST))
    yield "DICOM CT slices", True, readable(files(data / "dicom/ct"))
    yield "DICOM, other than chest", True, readable(files(data / "dicom/not_chest"))
    yield from _made(seed)


def _mri_kinds(data: Path, seed: int) -> Iterator[Kind]:
    test = [case for case in sources.gather(SOURCES["brain-mri"], data, seed=0) if case.split == "test"]
    for label in SOURCES["brain-mri"].labels:
        chosen = [case.path for case in test if case.label == label]
        yield f"MRI slices, published test, {label}", False, paths(chosen)
    yield from _turned_over("slices", spread([case.path for case in test], MOST))
    for folder in ("brain_ct", "brain_ct_hemorrhage"):
        yield f"head CT ({folder})", True, paths(spread(files(data / folder), MOST))
    yield from _films(data)
    yield from _made(seed)


def _ct_kinds(data: Path, seed: int) -> Iterator[Kind]:
    test = [case for case in sources.gather(SOURCES["brain-ct"], data, seed=0) if case.split == "test"]
    for folder, label, name in (
        ("brain_ct", "normal", "CT slices of test patients, normal"),
        ("brain_ct", "stroke", "CT slices of test patients, stroke"),
        ("brain_ct_hemorrhage", "normal", "CT slices of other hospitals, normal"),
        ("brain_ct_hemorrhage", "hemorrhage", "CT slices of other hospitals, hemorrhage"),
    ):
        chosen = [case for case in test if case.label == label and case.name.startswith(f"{folder}/")]
        yield name, False, paths([case.path for case in chosen])
    own = [case.path for case in test if case.name.startswith("brain_ct/")]
    yield from _turned_over("slices", spread(own, MOST))
    yield "brain MRI", True, paths(spread(files(data / "brain_mri/test"), MOST))
    yield from _films(data)
    yield from _made(seed)


def _films(data: Path) -> Iterator[Kind]:
    test = [case.path for case in chest_xray(data) if case.split == "test"]
    yield "children's chest films", True, paths(spread(test, MOST))
    yield "adults' chest films", True, paths(spread(files(data / "covid_radiography/Normal"), MOST))


def _turned_over(name: str, these: Sequence[Path]) -> Iterator[Kind]:
    yield "negatives", True, (replace(scan, pixels=1 - scan.pixels) for scan in paths(these))
    for turns, way in ((1, "turned left"), (2, "upside down"), (3, "turned right")):
        yield f"{name} {way}", True, (turned(scan, turns) for scan in paths(these))


def _made(seed: int) -> Iterator[Kind]:
    for make in (negatives.photographs, negatives.drawings, negatives.text_pages, negatives.noise):
        made = islice(make(np.random.default_rng(seed)), MOST)
        yield make.__name__.replace("_", " "), True, (images.read(data, make.__name__) for data in made)


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def paths(these: Sequence[Path]) -> Iterator[Scan]:
    return (images.read(path.read_bytes(), path.name) for path in these)


def films(scans: Iterator[Scan]) -> Iterator[Tensor]:
    return (as_film(scan.pixels) for scan in scans)


def spread(these: Sequence[Path], most: int) -> list[Path]:
    """At most so many of them, evenly chosen."""
    return [these[i] for i in np.linspace(0, len(these) - 1, min(most, len(these))).astype(int)]


def readable(these: Sequence[Path]) -> Iterator[Scan]:
    for path in these:
        try:
            yield images.read(path.read_bytes(), path.name)
        except UnreadableImage:
            continue


def turned(scan: Scan, quarters: int) -> Scan:
    return replace(scan, pixels=np.ascontiguousarray(np.rot90(scan.pixels, quarters)))
