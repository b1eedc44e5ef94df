"""Chest films of all sources as one table: who took them, what they show, near copies kept apart.

Normals of COVID-19 Radiography are films of NIH: 136 of the 665 that RSNA's radiologists called normal are
among 2,000 of them. So there are five hospitals here, not six, and NIH is left out only with those normals.
"""

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from train.data.datasets import (
    Case,
    adults_nih,
    adults_rsna,
    chest_lesions,
    chest_xray,
    chest_xray_large,
    covid_radiography,
    hold_out,
    tuberculosis,
)

COPIES = Path(__file__).with_name("near_copies.csv")  # written by python -m train.data.near_copies
SHARES = {"nih": (0.55, 0.70), "covid_radiography": (0.70, 0.85), "shenzhen": (0.70, 0.85)}
FOLDS = 7  # a seventh of the training patients of Kermany is for validation
OUT = "out"  # the split of films that nothing is learned from or measured on


LICENCE = "research use: as the most restrictive of the data that taught it (RSNA, NLM, Kaggle)"
LIMITATIONS = (
    "COVID-19 and opacities that radiologists marked count as pneumonia; agents are not told apart.",
    "NIH's pneumonia labels were mined from reports: about a third of them are doubtful.",
    "Adults' normals of COVID-19 Radiography are films of NIH: they count as that hospital.",
    "A hospital that taught nothing loses accuracy: the figures with one left out say how much.",
    "One COVID-19 film held out for test has a near copy among those learned from.",
)
SHARED_SIGHT = "It sees through a network that learned beside other questions on films of five hospitals."
PNEUMONIA_DATA = {
    "name": "Kermany; COVID-19 Radiography; NIH ChestX-ray14 (also as read by RSNA); Shenzhen",
    "licence": "CC BY 4.0; research use; NIH with attribution; RSNA non-commercial; NLM to be cited",
    "split": "by patient and near copy; Kermany's official test; Montgomery never learned from",
    "hospitals": "Guangzhou, NIH Clinical Center, Shenzhen No. 3, many of COVID-19",
    "labelled by": "two physicians (Kermany), report mining (NIH), radiologists (RSNA, NLM), PCR (COVID)",
    "ages": "Kermany 1 to 5; adults elsewhere, RSNA 5 to 88",
    "sexes": "known for RSNA's films alone: both",
    "years": "NIH 1992 to 2015, Shenzhen 2012, COVID 2020 to 2021; Kermany's are not known",
    "machines": "not known film by film",
}
OPACITY_DATA = {
    "name": "NIH ChestX-ray14 at 128 px as read by RSNA's radiologists",
    "licence": "NIH with attribution; RSNA annotations non-commercial",
    "split": "by patient and near copy",
    "hospitals": "NIH Clinical Center",
    "labelled by": "radiologists of RSNA and STR",
    "ages": "5 to 88, mostly adults",
    "sexes": "both",
    "years": "1992 to 2015",
    "machines": "not known film by film; portable (AP) and upright (PA)",
}
TUBERCULOSIS_DATA = {
    "name": "Shenzhen and Montgomery County chest X-ray sets (NLM)",
    "licence": "free use, to be cited",
    "split": "Shenzhen by patient; Montgomery, another hospital, for test alone",
    "hospitals": "Shenzhen No. 3; Montgomery County for test",
    "labelled by": "radiologists' readings, confirmed in the clinic",
    "ages": "mostly adults",
    "sexes": "both",
    "years": "Shenzhen 2012; Montgomery not known",
    "machines": "Shenzhen: Philips DR; Montgomery: Eureka CR",
}


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


def read_table(root: Path) -> list[Film]:
    """All films with their splits: train, validation, test, or OUT for copies of what others hold.

    Kermany keeps its official test split and the validation patients of the task pneumonia; Montgomery is for
    test; of the rest all films of a patient, and copies of one film, stay in one split.
    """
    films = gathered(root)
    place = {film.case.name: index for index, film in enumerate(films)}
    pairs = [(place[a], place[b]) for a, b in copies() if a in place and b in place]
    return _split(films, pairs, root)


def copies() -> list[tuple[str, str]]:
    """Names of films that look the same, in pairs."""
    with COPIES.open(newline="") as file:
        return [(row["film"], row["copy"]) for row in csv.DictReader(file)]


def without_twins(cases: Sequence[Case]) -> list[Case]:
    """The cases less those held out that look like one learned from, or test films like one chosen by."""
    side = {case.name: ("train", "validation", "test").index(case.split) for case in cases}
    known = [(a, b) for a, b in copies() if a in side and b in side]
    late = {a for pair in known for a, b in (pair, pair[::-1]) if side[a] > side[b]}
    return [case for case in cases if case.name not in late]


def pneumonia(root: Path) -> list[Case]:
    """Normal against pneumonia, children and adults; COVID-19 and what RSNA calls opacity count as such.

    Films of tuberculosis taught the network beside these and are judged apart.
    """
    ill = ("bacterial", "viral", "covid", "pneumonia", "opacity")
    sources = ("chest_xray", "covid_radiography", "nih352", "rsna128", "shenzhen")
    return _asked(root, sources, {"normal": "normal", **dict.fromkeys(ill, "pneumonia")})


def opacity(root: Path) -> list[Case]:
    """What RSNA's radiologists said of NIH films: normal, lung opacity, another finding."""
    return _asked(root, ("rsna128",), {"normal": "normal", "opacity": "opacity", "other": "other finding"})


def tuberculosis_cases(root: Path) -> list[Case]:
    """Shenzhen's films to learn from and to choose by; those of Montgomery, another hospital, for test."""
    cases = _asked(root, ("shenzhen", "montgomery"), {"normal": "normal", "tuberculosis": "tuberculosis"})
    return [case for case in cases if case.split != "test" or "/montgomery/" in case.name]


def _asked(root: Path, sources: Sequence[str], labels: Mapping[str, str]) -> list[Case]:
    return [
        replace(film.case, label=labels[film.label])
        for film in table(root)
        if film.source in sources and film.label in labels and film.case.split != OUT
    ]


@cache
def table(root: Path) -> tuple[Film, ...]:
    """`read_table`, once in a process."""
    return tuple(read_table(root))


def gathered(root: Path) -> list[Film]:
    """All films, in the splits that they come with."""
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


def _split(films: Sequence[Film], copies: Iterable[tuple[int, int]], root: Path) -> list[Film]:
    pairs = list(copies)
    groups = _groups(films, pairs)
    split = _drawn(films, groups)
    kermany = {case.name: case.split for case in hold_out(chest_xray(root), folds=FOLDS, seed=0)}
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
