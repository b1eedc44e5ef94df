"""No patient and no copy stands on two sides; what is in a set is said before anything is learned."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import DataSetError
from tests.phantoms.chest import png
from tests.phantoms.own_films import film
from train.data.datasets import Case
from train.new import checks, reading, splits
from train.new.reading import FilmSet

LABELS = ("well", "ill")


def made(folder: Path, count: int = 16, *, patients: int = 0) -> FilmSet:
    """Films of two classes by turns, each of its own patient or of so many."""
    cases = []
    for number in range(count):
        path = folder / f"{number}.png"
        path.write_bytes(png(film(number, 0.4 * (number % 2))))
        patient = f"{LABELS[number % 2]} {number // 2 % patients}" if patients else path.name
        cases.append(Case(path, path.name, LABELS[number % 2], patient, ""))
    return reading.read(cases)


def sides(cases: Sequence[Case]) -> dict[str, set[str]]:
    """Splits by patient."""
    found: dict[str, set[str]] = {}
    for case in cases:
        found.setdefault(case.patient, set()).add(case.split)
    return found


def test_every_class_is_on_every_side_and_no_patient_on_two(tmp_path: Path):
    found, copies = splits.carve(made(tmp_path, 48, patients=8), LABELS, 0, detector=False)
    assert {(case.split, case.label) for case in found.cases} == {
        (split, label) for split in ("train", "validation", "test") for label in LABELS
    }
    assert all(len(side) == 1 for side in sides(found.cases).values())
    assert copies == splits.Copies(exact=0, near=0, contradictions=(), dropped=0)


def test_a_detector_learns_from_normals_alone(tmp_path: Path):
    found, _ = splits.carve(made(tmp_path, 48), LABELS, 0, detector=True)
    assert {case.label for case in found.cases if case.split == "train"} == {"well"}
    assert {case.split for case in found.cases if case.label == "ill"} == {"validation", "test"}
    assert all(any(c.split == s and c.label == "well" for c in found.cases) for s in ("validation", "test"))


def test_copies_stay_on_one_side_and_contradictions_are_left_out(tmp_path: Path):
    seen = made(tmp_path, 24)
    copy = replace(seen.cases[0], name="copy.png", patient="copy")
    lie = replace(seen.cases[1], name="lie.png", patient="lie", label="well")
    rows = [*range(24), 0, 1]
    found, copies = splits.carve(seen.chosen(rows, [*seen.cases, copy, lie]), LABELS, 0, detector=False)
    assert set(copies.contradictions) == {"1.png", "lie.png"}
    assert copies.exact == 2
    side = {case.name: case.split for case in found.cases}
    assert side["0.png"] == side["copy.png"]
    assert "lie.png" not in side


def test_what_a_table_holds_out_takes_its_copies_from_train(tmp_path: Path):
    seen = made(tmp_path, 48)
    named = [replace(case, split="test" if n < 12 else "train") for n, case in enumerate(seen.cases)]
    copy = replace(named[0], name="copy.png", patient="copy", split="train")
    found, copies = splits.carve(seen.chosen([*range(48), 0], [*named, copy]), LABELS, 0, detector=False)
    assert copies.dropped == 1
    assert {case.name for case in found.cases if case.split == "test"} == {f"{n}.png" for n in range(12)}


def test_too_few_patients_are_said_with_their_number(tmp_path: Path):
    with pytest.raises(DataSetError, match=r"well has films of 3 patients.*at least 8"):
        splits.carve(made(tmp_path, 24, patients=3), LABELS, 0, detector=False)


def test_what_cannot_be_read_is_listed(tmp_path: Path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(film(0)) if name == "a.png" else b"no film")
    cases = [Case(tmp_path / name, name, "well", name, "") for name in ("a.png", "b.png", "gone.png")]
    found = reading.read(cases)
    assert [case.name for case in found.cases] == ["a.png"]
    assert [name for name, _ in found.unreadable] == ["b.png", "gone.png"]
    with pytest.raises(DataSetError, match=r"None of the 1 files can be read. The first, b.png"):
        reading.read(cases[1:2])


def test_a_border_that_tells_the_classes_apart_is_said(tmp_path: Path):
    found, copies = splits.carve(made(tmp_path, 48), LABELS, 0, detector=False)
    framed = found.films.clone()
    framed[torch.tensor([case.label == "ill" for case in found.cases]), :, :12] = 1
    marked = FilmSet(found.cases, framed, found.sizes, found.digests, (("x.png", "is no film"),))
    seen = checks.check(marked, copies, "whole", normal="well", patients_known=False)
    assert seen.cues["border"][0] > 0.95
    said = "\n".join(checks.sentences(seen, "chest film"))
    assert "Border alone tells" in said
    assert "1 files could not be read: x.png (is no film)." in said
    assert "--patient REGEX" in said
    assert seen.data()["files that could not be read"] == 1
    assert np.isclose(seen.figures()["AUC by border alone"], seen.cues["border"][0])
