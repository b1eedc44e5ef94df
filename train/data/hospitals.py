"""Chest films of all sources as one table: who took them, what they show, near copies kept apart.

Normals of COVID-19 Radiography are films of NIH: 136 of the 665 that RSNA's radiologists called normal are
among 2,000 of them. So there are five hospitals here, not six, and NIH is left out only with those normals.
"""

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from core.resample import resize
from train.data import tasks
from train.data.datasets import (
    Case,
    adults_nih,
    adults_rsna,
    chest_lesions,
    chest_xray,
    chest_xray_large,
    covid_radiography,
    read_films,
    tuberculosis,
)

COPIES = 0.985  # correlation of thumbnails; copies of one film have .999, other films less than .98
THUMBNAIL = 48
SHARES = {"nih": (0.55, 0.70), "covid_radiography": (0.70, 0.85), "shenzhen": (0.70, 0.85)}
OUT = "out"  # the split of films that nothing is learned from or measured on


@dataclass(frozen=True, slots=True)
class Film:
    """One film of the table.

    source: chest_xray, chest_xray_large, covid_radiography, nih352, rsna128, shenzhen, montgomery or lesions.
    label: normal, bacterial, viral, covid, pneumonia, opacity, other, tuberculosis.
    age, sex, view: as far as known, else empty.
    """

    case: Case
    source: str
    label: str
    age: str = ""
    sex: str = ""
    view: str = ""

    @property
    def hospital(self) -> str:
        """Where it was taken: what is left out together."""
        if self.source in ("nih352", "rsna128") or (self.source, self.label) == (
            "covid_radiography",
            "normal",
        ):
            return "nih"
        return "kermany" if self.source.startswith("chest_xray") else self.source


def table(root: Path) -> list[Film]:
    """All films with their splits: train, validation, test, or OUT for copies of what others hold.

    Kermany keeps its official test split and the validation patients of the task pneumonia; Montgomery is for
    test; of the rest all films of a patient, and copies of one film, stay in one split.
    """
    films = _gathered(root)
    copies = near_copies(thumbnails([film.case for film in films]))
    return _split(films, copies, root)


def _gathered(root: Path) -> list[Film]:
    facts = _rsna_facts(root)
    films = [
        Film(case, source, _agent(case), age="1-5")
        for source, read in (("chest_xray", chest_xray), ("chest_xray_large", chest_xray_large))
        for case in read(root)
    ]
    covid = covid_radiography(root)
    films += [
        Film(case, "covid_radiography", case.label)
        for label in ("normal", "covid")
        for case in covid
        if case.label == label
    ]
    films += [Film(case, "nih352", case.label) for case in adults_nih(root)]
    films += [Film(case, "rsna128", case.label, *facts[case.path.name]) for case in adults_rsna(root)]
    films += [Film(case, _place(case), case.label) for case in tuberculosis(root)]
    return films + [Film(case, "lesions", case.label) for case in chest_lesions(root)]


def _agent(case: Case) -> str:
    if case.label == "normal":
        return "normal"
    return "bacterial" if "bacteria" in case.name else "viral"


def _place(case: Case) -> str:
    return "montgomery" if "/montgomery/" in case.name else "shenzhen"


def _rsna_facts(root: Path) -> dict[str, tuple[str, str, str]]:
    folder = next(path for path in (root, root / "adults_rsna_128") if (path / "labels.csv").is_file())
    with (folder / "labels.csv").open(newline="") as file:
        return {row["file"]: (row["age"], row["sex"], row["view"]) for row in csv.DictReader(file)}


def thumbnails(cases: Sequence[Case], read: Callable[[Sequence[Case]], Tensor] = read_films) -> Tensor:
    """(N, THUMBNAIL ** 2), each with mean 0 and length 1, so that products are correlations."""
    parts = [cases[start : start + 512] for start in range(0, len(cases), 512)]
    seen = torch.cat([resize(read(part).float(), THUMBNAIL, THUMBNAIL).flatten(1) for part in parts])
    return F.normalize(seen - seen.mean(1, keepdim=True))


def near_copies(seen: Tensor) -> list[tuple[int, int]]:
    """Pairs i < j of films that look the same. seen: (N, D), from `thumbnails`."""
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(seen), 1000):
        alike = (seen[start : start + 1000] @ seen.T > COPIES).nonzero()
        pairs += [(i + start, j) for i, j in alike.tolist() if i + start < j]
    return pairs


def _split(films: Sequence[Film], copies: Iterable[tuple[int, int]], root: Path) -> list[Film]:
    pairs = list(copies)
    groups = _groups(films, pairs)
    split = {index: name for index, name in _drawn(films, groups).items()}
    kermany = {case.name: case.split for case in tasks.load_cases(tasks.TASKS["pneumonia"], root, seed=0)}
    dropped = {
        i
        for pair in pairs
        for i, j in (pair, pair[::-1])
        if films[i].source == "covid_radiography" and films[j].source in ("lesions", "nih352", "rsna128")
    }
    result = []
    for index, film in enumerate(films):
        name = kermany.get(_official(film), OUT) if film.hospital == "kermany" else split[index]
        if index in dropped or film.source == "lesions":
            name = OUT
        result.append(replace(film, case=replace(film.case, split=name)))
    return result


def _official(film: Film) -> str:
    """The name that both copies of a Kermany film have in the official archive."""
    return film.case.name.removeprefix("chest_xray_large/")


def _groups(films: Sequence[Film], copies: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """Films that belong together, by one of them: of one patient, or copies of one film."""
    parent = list(range(len(films)))

    def found(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, film in enumerate(films):
        patient = (
            f"{film.hospital}-{film.case.split}" if film.hospital == "kermany" else film.hospital,
            film.case.patient,
        )
        parent[found(index)] = found(first.setdefault(patient, index))
    for i, j in copies:
        parent[found(i)] = found(j)
    groups: dict[int, list[int]] = defaultdict(list)
    for index in range(len(films)):
        groups[found(index)].append(index)
    return groups


def _set_of(film: Film) -> str:
    """The name in SHARES."""
    return "nih" if film.source in ("nih352", "rsna128") else film.source


def _drawn(films: Sequence[Film], groups: dict[int, list[int]]) -> dict[int, str]:
    """The split of every film that is not Kermany's, by strata of source and label."""
    generator = random.Random(0)
    strata: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for top, members in groups.items():
        others = [films[i] for i in members if films[i].hospital != "kermany"]
        if not others:
            continue
        name = "nih" if any(_set_of(film) == "nih" for film in others) else _set_of(others[0])
        own = [film for film in others if _set_of(film) == name]
        sources, labels = (sorted({getattr(film, what) for film in own}) for what in ("source", "label"))
        strata[name, "/".join(sources), "/".join(labels)].append(top)
    split: dict[int, str] = {}
    for (name, _, _), tops in strata.items():
        tops.sort()
        generator.shuffle(tops)
        learned, validated = SHARES.get(name, (0.0, 0.0))
        for place, top in enumerate(tops):
            part = (
                "train"
                if place < learned * len(tops)
                else "validation"
                if place < validated * len(tops)
                else "test"
            )
            part = OUT if name == "lesions" else part
            split.update(dict.fromkeys(groups[top], part))
    return split
