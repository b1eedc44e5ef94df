"""What the gate of each kind of card is fitted on, and the pictures that it is tried on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from core.card_types import Card
from core.errors import UnreadableImage
from core.names import CHEST_FILM
from core.reading import images
from core.resample import FILM_SIZE, as_film, crop
from core.types import Region, Scan
from train.data import augment, sources, tasks
from train.data.datasets import Case, chest_xray, evenly_spaced, in_split
from train.data.films import region_boxes
from train.data.sources import SOURCES
from train.data.tasks import TASKS
from train.gate import negatives

MAX_PER_KIND = 300  # pictures of one kind, except where false refusals are counted

Kind = tuple[str, bool, Iterator[Scan]]
"""Name, whether it ought to be refused, scans."""


@dataclass(frozen=True, slots=True)
class GateData:
    """What the gate of one modality is fitted on beside a card's own scans, and tried on.

    cases: a card's own training and validation scans.
    more: what is added to them, in words.
    of_own: whether that is made from the card's own scans.
    fitted, held_out: from own scans of either side to added films (1, 1, FILM_SIZE, FILM_SIZE).
    kinds: pictures to try the gate on, from a seed.
    others: training scans of another modality that look much the same.
    """

    cases: Callable[[Card], list[Case]]
    more: str
    of_own: bool
    fitted: Callable[[Sequence[Case]], Iterator[Tensor]]
    held_out: Callable[[Sequence[Case]], Iterator[Tensor]]
    kinds: Callable[[int], Iterator[Kind]]
    others: Sequence[Case] = ()


def gate_data(modality: str, data: Path) -> GateData:
    """For cards of that modality."""
    if modality == CHEST_FILM:
        return _chest_gate_data(data)
    name = next(name for name, source in SOURCES.items() if source.modality == modality)
    return _head_gate_data(data, name, {"brain-mri": _mri_kinds, "brain-ct": _ct_kinds}[name])


def _chest_gate_data(data: Path) -> GateData:
    adults = [
        case
        for case in tasks.load_cases(TASKS["covid"], data, seed=0)
        if case.name.startswith("covid_radiography/") and case.label in ("normal", "covid")
    ]
    fitted, held_out = ([case.path for case in in_split(adults, split)] for split in ("train", "validation"))
    return GateData(
        cases=partial(_films_of, data=data),
        more="adults (COVID-19 Radiography)",
        of_own=False,
        fitted=lambda _: as_films(read_scans(fitted)),
        held_out=lambda _: as_films(read_scans(held_out)),
        kinds=partial(_chest_kinds, data, in_split(adults, "test")),
    )


def _films_of(card: Card, data: Path) -> list[Case]:
    """The films that the card learned from or was chosen with."""
    cases = (
        tasks.load_cases(tasks.task_of_card(card), data, seed=0) if card.task in TASKS else chest_xray(data)
    )
    return [case for case in cases if case.split in ("train", "validation")]


def _head_gate_data(data: Path, name: str, kinds: Callable[[Path, int], Iterator[Kind]]) -> GateData:
    every = sources.load_cases(SOURCES[name], data, seed=0)
    (other,) = (n for n, source in SOURCES.items() if source.region == "head" and n != name)
    return GateData(
        cases=lambda _: [case for case in every if case.split != "test"],
        more="the same slices taken otherwise",
        of_own=True,
        fitted=partial(acquisition_shifted, seed=0),
        held_out=partial(acquisition_shifted, seed=1),
        kinds=partial(kinds, data),
        others=in_split(sources.load_cases(SOURCES[other], data, seed=0), "train"),
    )


def acquisition_shifted(cases: Sequence[Case], *, seed: int, region: Region = "head") -> Iterator[Tensor]:
    """Each scan as another hospital might send it: framed, turned, windowed and resolved in another way.

    One hospital is all there is to learn from.
    cases: the scans.
    seed: of the changes.
    region: what stays in the frame.
    """
    generator = Generator().manual_seed(seed)
    for part in _batched(as_films(read_scans([case.path for case in cases])), 32):
        boxes, angle = augment.jitter_boxes(
            region_boxes(part, region), generator, shift=0.04, zoom=0.12, turn=10
        )
        column = (len(part), 1, 1, 1)
        low, high = (
            augment.uniform(generator, column, -0.05, 0.15),
            augment.uniform(generator, column, 0.75, 1),
        )
        shown = ((crop(part, boxes, FILM_SIZE, angle=angle) - low) / (high - low)).clamp(0, 1)
        yield from augment.random_acquisition(shown, generator, chance=0.6).clamp(0, 1).split(1)


def _batched(films: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    while part := list(islice(films, size)):
        yield torch.cat(part)


def _chest_kinds(data: Path, adults: Sequence[Case], seed: int) -> Iterator[Kind]:
    test = [case.path for case in in_split(chest_xray(data), "test")]
    normal, covid = ([case.path for case in adults if case.label == label] for label in ("normal", "covid"))
    both = evenly_spaced([*test, *normal], MAX_PER_KIND)
    yield "children's films, official test", False, read_scans(test)
    yield "adults' normal films, held out", False, read_scans(normal)
    yield "adults' films with COVID-19, held out", False, read_scans(covid)
    yield "DICOM chest films", False, read_dicoms(files(data / "dicom/cxr"))
    yield from flipped_kinds("films", both)
    yield "brain MRI", True, read_scans(evenly_spaced(files(data / "brain_mri/test"), MAX_PER_KIND))
    for folder in ("brain_ct", "brain_ct_hemorrhage"):
        yield f"head CT ({folder})", True, read_scans(evenly_spaced(files(data / folder), MAX_PER_KIND))
    yield "DICOM CT slices", True, read_dicoms(files(data / "dicom/ct"))
    yield "DICOM, other than chest", True, read_dicoms(files(data / "dicom/not_chest"))
    yield from synthetic_kinds(seed)


def _mri_kinds(data: Path, seed: int) -> Iterator[Kind]:
    test = in_split(sources.load_cases(SOURCES["brain-mri"], data, seed=0), "test")
    for label in SOURCES["brain-mri"].labels:
        chosen = [case.path for case in test if case.label == label]
        yield f"MRI slices, published test, {label}", False, read_scans(chosen)
    yield from flipped_kinds("slices", evenly_spaced([case.path for case in test], MAX_PER_KIND))
    for folder in ("brain_ct", "brain_ct_hemorrhage"):
        yield f"head CT ({folder})", True, read_scans(evenly_spaced(files(data / folder), MAX_PER_KIND))
    yield from _chest_film_kinds(data)
    yield from synthetic_kinds(seed)


def _ct_kinds(data: Path, seed: int) -> Iterator[Kind]:
    test = in_split(sources.load_cases(SOURCES["brain-ct"], data, seed=0), "test")
    for folder, label, name in (
        ("brain_ct", "normal", "CT slices of test patients, normal"),
        ("brain_ct", "stroke", "CT slices of test patients, stroke"),
        ("brain_ct_hemorrhage", "normal", "CT slices of other hospitals, normal"),
        ("brain_ct_hemorrhage", "hemorrhage", "CT slices of other hospitals, hemorrhage"),
    ):
        chosen = [case for case in test if case.label == label and case.name.startswith(f"{folder}/")]
        yield name, False, read_scans([case.path for case in chosen])
    own = [case.path for case in test if case.name.startswith("brain_ct/")]
    yield from flipped_kinds("slices", evenly_spaced(own, MAX_PER_KIND))
    yield "brain MRI", True, read_scans(evenly_spaced(files(data / "brain_mri/test"), MAX_PER_KIND))
    yield from _chest_film_kinds(data)
    yield from synthetic_kinds(seed)


def _chest_film_kinds(data: Path) -> Iterator[Kind]:
    test = [case.path for case in in_split(chest_xray(data), "test")]
    yield "children's chest films", True, read_scans(evenly_spaced(test, MAX_PER_KIND))
    yield (
        "adults' chest films",
        True,
        read_scans(evenly_spaced(files(data / "covid_radiography/Normal"), MAX_PER_KIND)),
    )


def flipped_kinds(name: str, paths: Sequence[Path]) -> Iterator[Kind]:
    """Black and white exchanged, and turned.

    name: of the scans, in the plural.
    paths: their files.
    """
    yield "negatives", True, (replace(scan, pixels=1 - scan.pixels) for scan in read_scans(paths))
    for turns, way in ((1, "turned left"), (2, "upside down"), (3, "turned right")):
        yield f"{name} {way}", True, (rotated(scan, turns) for scan in read_scans(paths))


def synthetic_kinds(seed: int, count: int = MAX_PER_KIND) -> Iterator[Kind]:
    """What is no scan at all.

    seed: of what is drawn.
    count: pictures of each kind. Photographs and printed pages come with scikit-image, or not at all.
    """
    drawn = (negatives.drawings, negatives.noise)
    every = (negatives.photographs, negatives.drawings, negatives.text_pages, negatives.noise)
    for make in every if find_spec("skimage") else drawn:
        made = islice(make(np.random.default_rng(seed)), count)
        yield make.__name__.replace("_", " "), True, (images.read(data, make.__name__) for data in made)


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def read_scans(paths: Sequence[Path]) -> Iterator[Scan]:
    return (images.read(path.read_bytes(), path.name) for path in paths)


def as_films(scans: Iterator[Scan]) -> Iterator[Tensor]:
    return (as_film(scan.pixels) for scan in scans)


def read_dicoms(paths: Sequence[Path]) -> Iterator[Scan]:
    for path in paths:
        try:
            yield images.read(path.read_bytes(), path.name)
        except UnreadableImage:
            continue


def rotated(scan: Scan, quarters: int) -> Scan:
    return replace(scan, pixels=np.ascontiguousarray(np.rot90(scan.pixels, quarters)))
