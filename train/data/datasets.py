"""Public data sets as lists of cases, split so that no patient stands on two sides."""

import csv
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor
from tqdm import tqdm

from core.errors import DataSetError
from core.reading import images
from core.resample import FILM_SIZE, as_film

Item = TypeVar("Item")

IMAGE_SUFFIXES = {".jpeg", ".jpg", ".png"}
# written by python -m train.data.brain_twins
BRAIN_MRI_LEFT_OUT = Path(__file__).with_name("brain_mri_left_out.csv")


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled file. name: its path inside the data set. patient: cases that must stay together."""

    path: Path
    name: str
    label: str
    patient: str
    split: str


def chest_xray(root: Path) -> list[Case]:
    """Kermany paediatric films (Mendeley rscbjbr9sj): labels normal and pneumonia, official splits.

    root holds train/ and test/, or a folder chest_xray/ that does, as the archives unpack. The official
    val/ (16 films, no viral case) is left out: validation is carved from train.
    """
    return _kermany(_folder_with(root, "chest_xray", "train/NORMAL"))


def _kermany(folder: Path) -> list[Case]:
    return [
        Case(path, path.relative_to(folder).as_posix(), label, _kermany_patient(path.stem), split)
        for split in ("train", "test")
        for label in ("normal", "pneumonia")
        for path in _images(folder / split / label.upper())
    ]


def chest_xray_large(root: Path) -> list[Case]:
    """The films of chest_xray that could be had at a short side of 352 px, in their official splits."""
    folder = _folder_with(root, "chest_xray_large", "train/NORMAL")
    return [replace(case, name=f"chest_xray_large/{case.name}") for case in _kermany(folder)]


def chest_lesions(root: Path) -> list[Case]:
    """COVID films of adults with radiologists' outlines, all for test: they tell where, not whether."""
    folder = _folder_with(root, "chest_lesions", "films")
    return [
        Case(path, f"chest_lesions/films/{path.name}", "covid", path.stem, "test")
        for path in _images(folder / "films")
    ]


def lesion_masks(root: Path, case: Case) -> list[Path]:
    """The outlines that a film of `chest_lesions` has: ground glass, consolidation, or both."""
    kinds = ("ground-glass-opacities", "consolidation")
    paths = [root / "chest_lesions" / kind / f"{case.path.stem}.png" for kind in kinds]
    return [path for path in paths if path.is_file()]


def tumour_mask(root: Path, case: Case) -> Path:
    """Where the outline of a brain MRI slice lies (Cheng, Figshare), if it has one."""
    return (root / "brain_mri_masks" / case.name).with_suffix(".png")


def lung_masks(root: Path) -> list[tuple[Case, Path]]:
    """The films of chest_xray/train that have a lung mask (v7labs), each with its mask's path."""
    masks = _folder_with(root, "lung_masks", "train/NORMAL")
    pairs = [(case, (masks / case.name).with_suffix(".png")) for case in chest_xray(root)]
    return [(case, mask) for case, mask in pairs if mask.is_file()]


def brain_ct(root: Path) -> list[Case]:
    """Axial head CT slices (Kaggle afridirahman): labels normal and stroke, all of them in train.

    The name before the number in brackets is the patient.
    """
    folder = _folder_with(root, "brain_ct", "Normal")
    return [
        Case(path, f"brain_ct/{path.relative_to(folder).as_posix()}", label, f"ct-{patient}", "train")
        for label in ("normal", "stroke")
        for path in _images(folder / label.capitalize())
        for patient in [path.stem.split("(")[0].strip()]
    ]


def brain_ct_hemorrhage(root: Path) -> list[Case]:
    """Head CT slices (Kaggle felipekitamura): labels normal and hemorrhage, all for test."""
    folder = _folder_with(root, "brain_ct_hemorrhage", "Hemorrhage")
    return [
        Case(path, f"brain_ct_hemorrhage/{path.relative_to(folder).as_posix()}", label, path.stem, "test")
        for label in ("normal", "hemorrhage")
        for path in _images(folder / label.capitalize())
    ]


def brain_mri(root: Path) -> list[Case]:
    """Brain MRI slices, but for test slices that have a twin to learn from or are CT: they test nothing."""
    with BRAIN_MRI_LEFT_OUT.open(newline="") as file:
        left_out = {row["slice"] for row in csv.DictReader(file)}
    return [case for case in every_brain_mri(root) if case.name not in left_out]


def every_brain_mri(root: Path) -> list[Case]:
    """Brain MRI slices (Kaggle masoudnickparvar): no tumour is normal; three tumours; published splits.

    No patient is named, so every file is its own.
    """
    folder = _folder_with(root, "brain_mri", "train/notumor")
    return [
        Case(path, path.relative_to(folder).as_posix(), label.replace("notumor", "normal"), path.stem, split)
        for split in ("train", "test")
        for label in ("notumor", "glioma", "meningioma", "pituitary")
        for path in _images(folder / split / label)
    ]


def covid_radiography(root: Path) -> list[Case]:
    """COVID-19 Radiography films (Kaggle tawsifurrahman), all of them in train, in the public folder layout.

    Labels normal and covid; lung opacity and viral pneumonia where their folders are there. No patient is
    named, so every file is its own.
    """
    folder = _folder_with(root, "covid_radiography", "COVID")
    names = {"Normal": "normal", "COVID": "covid"} | {
        name: label
        for name, label in (("Lung_Opacity", "lung opacity"), ("Viral Pneumonia", "viral pneumonia"))
        if (folder / name).is_dir()
    }
    nested = (folder / "COVID" / "images").is_dir()  # newer archives put masks beside the films
    return [
        Case(path, f"covid_radiography/{path.relative_to(folder).as_posix()}", label, path.stem, "train")
        for name, label in names.items()
        for path in _images(folder / name / "images" if nested else folder / name)
    ]


def tuberculosis(root: Path) -> list[Case]:
    """Adults of Shenzhen and Montgomery County (NLM): labels normal and tuberculosis.

    Shenzhen is for train; Montgomery, another hospital, for test. Every film is a patient of its own.
    """
    folder = _folder_with(root, "tuberculosis", "shenzhen/normal")
    return [
        Case(path, f"tuberculosis/{path.relative_to(folder).as_posix()}", label, path.stem, split)
        for place, split in (("shenzhen", "train"), ("montgomery", "test"))
        for label in ("normal", "tuberculosis")
        for path in _images(folder / place / label)
    ]


def adult_lung_masks(root: Path) -> list[tuple[Case, Path]]:
    """Adults' films of Shenzhen and Montgomery, each with the mask of its lungs.

    The lungs' masks that came with chest_lesions are empty and teach nothing.
    """
    folder = _folder_with(root, "tuberculosis", "shenzhen/normal")
    pairs = [(case, folder / "lung_masks" / f"{case.path.stem}.png") for case in tuberculosis(root)]
    return [(case, mask) for case, mask in pairs if mask.is_file()]


def adults_nih(root: Path) -> list[Case]:
    """NIH ChestX-ray14 adults: labels normal and pneumonia, mined from reports, all of them in train."""
    folder = _folder_with(root, "adults_nih", "normal")
    return [
        Case(path, f"adults_nih/{path.relative_to(folder).as_posix()}", label, _nih_patient(path), "train")
        for label in ("normal", "pneumonia")
        for path in _images(folder / label)
    ]


RSNA_LABELS = {"Normal": "normal", "Lung Opacity": "opacity"}


def adults_rsna(root: Path) -> list[Case]:
    """NIH films at 128 px as RSNA's radiologists read them: normal, opacity, other; all of them in train."""
    folder = _folder_with(root, "adults_rsna_128", "films")
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Case(
            path := folder / "films" / row["file"],
            f"adults_rsna_128/films/{row['file']}",
            RSNA_LABELS.get(row["rsna_class"], "other"),
            _nih_patient(path),
            "train",
        )
        for row in rows
    ]


DATASETS: dict[str, Callable[[Path], list[Case]]] = {
    "chest_xray": chest_xray,
    "brain_ct": brain_ct,
    "brain_ct_hemorrhage": brain_ct_hemorrhage,
    "brain_mri": brain_mri,
    "covid_radiography": covid_radiography,
    "tuberculosis": tuberculosis,
    "adults_nih": adults_nih,
    "adults_rsna_128": adults_rsna,
}


def hold_out(cases: Sequence[Case], *, folds: int, seed: int, into: str = "validation") -> list[Case]:
    """Move about 1/folds of the train cases to another split, stratified by label.

    Cases that share a patient, or are the same file to the byte, stay on one side.

    cases: of all splits.
    folds: the share that moves is 1/folds.
    seed: of the choice.
    into: the split that they move to.
    """
    train = [case for case in cases if case.split == "train"]
    chooser = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    labels = [case.label for case in train]
    _, held_out = next(iter(chooser.split(train, labels, groups=_groups(train))))
    names = {train[index].name for index in held_out}
    return [replace(case, split=into) if case.name in names else case for case in cases]


def in_split(cases: Sequence[Case], split: str) -> list[Case]:
    """The cases of that split."""
    return [case for case in cases if case.split == split]


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of the items, evenly along the list."""
    return [items[i] for i in np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)]


def read_films(cases: Sequence[Case], dtype: torch.dtype = torch.float16) -> Tensor:
    """Read all files the way the app does. Returns (N, 1, FILM_SIZE, FILM_SIZE) in [0, 1]."""
    films = torch.empty(len(cases), 1, FILM_SIZE, FILM_SIZE, dtype=dtype)
    for index, case in enumerate(tqdm(cases, desc="reading films", unit="film")):
        films[index] = as_film(images.read(case.path.read_bytes(), case.name).pixels)[0]
    return films


def read_masks(paths: Sequence[Path | None]) -> Tensor:
    """Read outlines the way films are read. Returns (N, 1, FILM_SIZE, FILM_SIZE), 1 inside; None is empty."""
    masks = torch.zeros(len(paths), 1, FILM_SIZE, FILM_SIZE)
    for index, path in enumerate(paths):
        if path is not None:
            masks[index] = as_film(images.read(path.read_bytes(), path.name).pixels)[0].round()
    return masks


def _groups(cases: Sequence[Case]) -> list[int]:
    """Number the connected groups of cases that share a patient or the bytes of a file."""
    patients = {patient: n for n, patient in enumerate(sorted({case.patient for case in cases}))}
    digests: dict[str, int] = {}
    files = [
        digests.setdefault(hashlib.sha256(case.path.read_bytes()).hexdigest(), len(digests)) for case in cases
    ]
    nodes = len(patients) + len(digests)
    rows = np.array([patients[case.patient] for case in cases])
    columns = np.array(files) + len(patients)
    links = coo_array((np.ones(len(cases)), (rows, columns)), shape=(nodes, nodes))
    _, group = connected_components(links, directed=False)
    return [int(group[row]) for row in rows]


def _kermany_patient(stem: str) -> str:
    if match := re.match(r"(?:NORMAL2-)?IM-(\d+)", stem):
        return f"normal-{match[1]}"
    if match := re.match(r"person(\d+)_", stem):
        return f"person-{match[1]}"
    raise DataSetError(f"{stem}: no patient number in the file's name. Keep the published file names.")


def _nih_patient(path: Path) -> str:
    return f"nih-{int(path.stem.partition('_')[0])}"


def _folder_with(root: Path, name: str, inside: str) -> Path:
    for folder in (root, root / name, root / name / name):
        if (folder / inside).is_dir() and (folder.name == name or folder == root):
            return folder
    raise DataSetError(
        f"{root} holds no {name}/{inside}. Give the folder that the public archive unpacks to."
    )


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataSetError(f"{folder} is missing. Give the folder that the public archive unpacks to.")
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )
