"""Which films are learned from and which are held out: no patient and no copy stands on two sides."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch.nn import functional as F

from core.errors import DataSetError
from core.resample import resize
from train.data import near_copies
from train.data.datasets import Case, hold_out
from train.new.reading import FilmSet

TEST_FOLDS, VALIDATION_FOLDS = 4, 3  # a quarter for test, a quarter for validation: intervals are wide enough
HELD_OUT = ("validation", "test")
FEWEST = 8  # patients of a class: two in every split
FEWEST_NORMALS = 20  # of a detector, which has nothing else to learn from


@dataclass(frozen=True, slots=True)
class Copies:
    """What was found. exact, near: films that have such a copy. contradictions: names of files that stand in
    two classes, left out. dropped: films left out because a copy or the patient stands on another side."""

    exact: int
    near: int
    contradictions: tuple[str, ...]
    dropped: int


def carve(found: FilmSet, labels: tuple[str, ...], seed: int, *, detector: bool) -> tuple[FilmSet, Copies]:
    """Give every film its split; those that a table named stay.

    found: all readable films.
    labels: the normal one first.
    seed: of what is held out.
    detector: whether normals alone are learned from; the others are shared between validation and test.
    Raises DataSetError where a class has too few patients.
    """
    classes = defaultdict(set)
    for digest, case in zip(found.digests, found.cases, strict=True):
        classes[digest].add(case.label)
    clear = [row for row, digest in enumerate(found.digests) if len(classes[digest]) == 1]
    contradictions = tuple(
        case.name for case, digest in zip(found.cases, found.digests, strict=True) if len(classes[digest]) > 1
    )
    found = found.chosen(clear, [found.cases[row] for row in clear])
    exact, near = sum(n for n in Counter(found.digests).values() if n > 1), _near_copies(found)
    cases = _grouped(found, near)
    _require_enough(cases, labels, detector=detector)
    if detector:
        cases = _abnormal_held_out(cases, labels[0])
    kept = _of_one_side(cases)
    dropped = len(cases) - len(kept)
    found = found.chosen(kept, _held_out([cases[row] for row in kept], seed, labels[0]))
    copies = Copies(exact, len({row for pair in near for row in pair}), contradictions, dropped)
    _require_both(found.cases, labels, detector=detector)
    return found, copies


def _near_copies(found: FilmSet) -> list[tuple[int, int]]:
    side = near_copies.THUMBNAIL
    seen = resize(found.films.float(), side, side).flatten(1)
    return near_copies.near_copies(F.normalize(seen - seen.mean(1, keepdim=True)))


def _grouped(found: FilmSet, near: Iterable[tuple[int, int]]) -> list[Case]:
    """Cases whose patient stands for all that belongs together: one person's films, and copies of a film."""
    first: dict[str, int] = {}
    links = [*near]
    for row, (case, digest) in enumerate(zip(found.cases, found.digests, strict=True)):
        links += [(row, first.setdefault(key, row)) for key in (f"patient {case.patient}", digest)]
    left, right = np.array(links).T
    size = len(found.cases)
    graph = coo_array((np.ones(len(links)), (left, right)), shape=(size, size))
    _, groups = connected_components(graph, directed=False)
    return [replace(case, patient=f"{group}") for case, group in zip(found.cases, groups, strict=True)]


def _require_enough(cases: Sequence[Case], labels: tuple[str, ...], *, detector: bool) -> None:
    needed = dict.fromkeys(labels, FEWEST) if not detector else {labels[0]: FEWEST_NORMALS}
    for label, least in needed.items():
        have = len({case.patient for case in cases if case.label == label})
        if have < least:
            raise DataSetError(
                f"{label} has films of {have} patients, copies counted once; at least {least} are needed. "
                "Add films, or leave the class out."
            )


def _abnormal_held_out(cases: Sequence[Case], normal: str) -> list[Case]:
    """A detector learns nothing from abnormal films: by turns they are for validation and for test."""
    patients = sorted({case.patient for case in cases if case.label != normal and not case.split}, key=int)
    side = {patient: HELD_OUT[turn % 2] for turn, patient in enumerate(patients)}
    return [
        case if case.split or case.label == normal else replace(case, split=side[case.patient])
        for case in cases
    ]


def _of_one_side(cases: Sequence[Case]) -> list[int]:
    """Rows without what a table put on two sides: test keeps a patient before validation, and that before
    train."""
    test = {case.patient for case in cases if case.split == "test"}
    held = test | {case.patient for case in cases if case.split == "validation"}
    barred = {"test": set[str](), "validation": test}
    return [row for row, case in enumerate(cases) if case.patient not in barred.get(case.split, held)]


def _held_out(cases: Sequence[Case], seed: int, normal: str) -> list[Case]:
    """Splits for the films that have none, where a table held nothing out."""
    settled = [replace(case, split=case.split or "train") for case in cases]
    if not _has(settled, "test", normal):
        settled = hold_out(settled, folds=TEST_FOLDS, seed=seed, into="test")
    if not _has(settled, "validation", normal):
        settled = hold_out(settled, folds=VALIDATION_FOLDS, seed=seed)
    return settled


def _has(cases: Iterable[Case], split: str, label: str) -> bool:
    return any((case.split, case.label) == (split, label) for case in cases)


def _require_both(cases: Sequence[Case], labels: tuple[str, ...], *, detector: bool) -> None:
    for split in ("train", *HELD_OUT):
        wanted = labels if not detector else labels[:1]
        missing = [label for label in wanted if not _has(cases, split, label)]
        if missing:
            raise DataSetError(
                f"No film of {', '.join(missing)} is in {split}: add films of more patients, or name other "
                "splits in the table."
            )
