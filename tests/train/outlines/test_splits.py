"""What teaches an outline is not what measures it."""

from pathlib import Path

from train.data.datasets import in_split, tumour_mask
from train.outlines import brain, chest


def test_films_with_odd_numbers_teach_and_choose_nothing(data: Path):
    films = chest.chosen(data)
    numbers = {
        split: {chest.number(film) for film in part if film.source == "lesions"}
        for split, part in films.items()
    }
    assert all(number % 2 == 0 for number in numbers["train"] | numbers["validation"])
    assert all(number % 2 for number in numbers["test"])
    patients = [{film.case.patient for film in part} for part in films.values()]
    assert not patients[0] & patients[2]
    assert all(film.source != "montgomery" for film in films["train"] + films["validation"])


def test_slices_numbered_near_each_other_stay_on_one_side(data: Path):
    cases = brain.gather(data)
    sides = [{case.patient for case in in_split(cases, name)} for name in ("train", "validation")]
    assert all(sides)
    assert not sides[0] & sides[1]
    tumours = [case for case in cases if case.label != "normal"]
    assert all(tumour_mask(data, case).is_file() for case in tumours)
