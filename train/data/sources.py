"""The normal scans that detectors learn from, and the abnormal ones they are tested on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from scipy.sparse.csgraph import connected_components
from torch import Tensor
from torch.nn import functional

from core.names import BRAIN_MRI, CHEST_FILM, HEAD_CT
from core.preprocess import normalise, stretch
from core.resample import crop, resize
from core.types import InputSpec, Region
from train.data.datasets import DATASETS, Case, hold_out, in_split, read_films
from train.data.films import WHOLE, region_boxes

SPLITS = ("train", "calibration", "validation")
THUMBNAIL = (32, 32)
DUPLICATE_CORRELATION = 0.95  # correlation of thumbnails; above it two slices are of one series


@dataclass(frozen=True, slots=True)
class Source:
    """What a card says of its data. datasets: names in DATASETS, the first with the normals to learn from."""

    datasets: tuple[str, ...]
    task: str
    modality: str
    region: Region
    labels: tuple[str, ...]
    name: str
    licence: str
    split: str
    intended_use: str
    limitations: tuple[str, ...]
    patients_known: bool = True  # whether files name them; if not, near duplicates are looked for
    ages: tuple[int, int] | None = None  # of the patients, in years


SOURCES: dict[str, Source] = {
    "chest": Source(
        datasets=("chest_xray",),
        task="chest anomaly",
        modality=CHEST_FILM,
        region="lungs",
        labels=("normal", "pneumonia"),
        name="Kermany paediatric chest X-rays, normal films only (Mendeley rscbjbr9sj)",
        licence="CC BY 4.0",
        split="validation carved from train by patient and file; official test",
        intended_use="Shows how unlike normal children's films a frontal film is. Teaching and research.",
        limitations=(
            "Measures unlikeness of any cause: a turned child, a tube or another machine raises it too.",
            "Trained on children of one to five years from one hospital.",
        ),
        ages=(1, 5),
    ),
    "brain-ct": Source(
        datasets=("brain_ct", "brain_ct_hemorrhage"),
        task="brain CT anomaly",
        modality=HEAD_CT,
        region="head",
        labels=("normal", "stroke", "hemorrhage"),
        name="Head CT slices, normal only (Kaggle afridirahman); hemorrhage test set (Kaggle felipekitamura)",
        licence="as on Kaggle; research use",
        split="by patient: a quarter of the normals for test; hemorrhage set for test only",
        intended_use="Shows how unlike normal head CT slices a slice is. Teaching and research.",
        limitations=(
            "Stroke labels are per patient: many stroke slices show no lesion, so accuracy has a ceiling.",
            "The hemorrhage set comes from other scanners: its normals are unlike the training normals too.",
            "Slices of 40 normal patients; the slice's height in the head is not known to the detector.",
        ),
    ),
    "brain-mri": Source(
        datasets=("brain_mri",),
        task="brain MRI anomaly",
        modality=BRAIN_MRI,
        region="head",
        labels=("normal", "glioma", "meningioma", "pituitary"),
        name="Brain MRI slices, no tumour only (Kaggle masoudnickparvar)",
        licence="as on Kaggle; research use",
        split="validation carved from train with near twins on one side; test as published, twins removed",
        intended_use="Shows how unlike tumour-free MRI slices a slice is. Teaching and research.",
        limitations=(
            "Gathered from several sources without patient numbers: slices of one head may be on two sides.",
            "The classes differ in plane, weighting and source; part of every figure is that and not tumour.",
            "No tumour is not healthy: some of the normals show other disease.",
        ),
        patients_known=False,
    ),
}


def _abnormal_to_test(case: Case) -> Case:
    """Abnormal cases that nothing is learned from are worth more in the test."""
    unused = case.label != "normal" and case.split in ("train", "calibration")
    return replace(case, split="test") if unused else case


@dataclass(frozen=True, slots=True, eq=False)
class Normals:
    """The normal scans of each split: films (N, 1, FILM_SIZE, FILM_SIZE) and boxes (N, 4)."""

    films: dict[str, Tensor]
    boxes: dict[str, Tensor]


def load_cases(source: Source, root: Path, seed: int) -> list[Case]:
    """All cases, in the splits train, calibration, validation and test.

    source: names the data sets.
    root: the folder with the public data sets.
    seed: of what is held out.
    """
    cases = DATASETS[source.datasets[0]](root)
    if not source.patients_known:
        cases = group_near_duplicates(cases)
    published = any(case.split == "test" for case in cases)
    if not published:
        cases = hold_out(cases, folds=4, seed=seed, into="test")
    cases = hold_out(cases, folds=7, seed=seed)
    # the usual error is learned apart from the threshold, or held-out normals would look too good
    cases = hold_out(cases, folds=8, seed=seed, into="calibration")
    if not published:
        cases = [_abnormal_to_test(case) for case in cases]
    return _balance_validation(cases) + [
        case for name in source.datasets[1:] for case in DATASETS[name](root)
    ]


def group_near_duplicates(cases: list[Case]) -> list[Case]:
    """Normal training cases that look the same count as one patient: held-out normals would look too good."""
    chosen = [case for case in cases if case.label == "normal" and case.split == "train"]
    seen = resize(read_films(chosen, dtype=torch.float32), *THUMBNAIL).flatten(1)
    seen = functional.normalize(seen - seen.mean(1, keepdim=True))
    _, groups = connected_components((seen @ seen.T > DUPLICATE_CORRELATION).numpy(), directed=False)
    patient = {case.name: f"looks-{group}" for case, group in zip(chosen, groups, strict=True)}
    return [replace(case, patient=patient.get(case.name, case.patient)) for case in cases]


def _balance_validation(cases: list[Case]) -> list[Case]:
    """As many abnormal validation cases as normal: nothing is chosen by them, and scoring takes time."""
    held = in_split(cases, "validation")
    abnormal = [case for case in held if case.label != "normal"]
    step = max(1, round(len(abnormal) / max(1, len(held) - len(abnormal))))
    kept = set(abnormal[::step])
    return [c for c in cases if c.split != "validation" or c.label == "normal" or c in kept]


def load_normals(source: Source, cases: Sequence[Case], splits: Sequence[str] = SPLITS) -> Normals:
    """Read the normal scans of some splits and find what is looked at in each.

    source: says which region.
    cases: of all splits.
    splits: those to be read.
    """
    films = {s: read_films([c for c in in_split(cases, s) if c.label == "normal"]) for s in splits}
    return Normals(films, {split: region_boxes(batch, source.region) for split, batch in films.items()})


def batches(films: Tensor, box: Tensor, spec: InputSpec, size: int = 32) -> Iterator[Tensor]:
    """Aligned and normalised as in the app.

    films: (N, 1, H, W), in [0, 1].
    box: (N, 4), in fractions; not used where the network sees the whole film.
    spec: what the network is fed.
    size: of a batch.
    Yields (size, C, spec.size, spec.size).
    """
    if spec.region == "whole":
        box = WHOLE.expand(len(films), -1)
    for part, edges in zip(films.split(size), box.split(size), strict=True):
        yield normalise(stretch(crop(part.float(), edges, spec.size)), spec)
