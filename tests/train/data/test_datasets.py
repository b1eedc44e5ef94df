import csv
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataSetError
from train.data.datasets import (
    BRAIN_MRI_LEFT_OUT,
    _kermany_patient,
    brain_ct,
    brain_ct_hemorrhage,
    brain_mri,
    chest_xray,
    every_brain_mri,
    hold_out,
    lung_masks,
    read_films,
)
from train.data.tasks import brain_mri_series


def film(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 255, (32, 32), dtype=np.uint8)
    Image.fromarray(values).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The public layout, small: ten patients a class with two films each, some files twice."""
    for k in range(10):
        for n in range(2):
            film(tmp_path / f"chest_xray/train/NORMAL/IM-{k:04}-000{n}.jpeg", 10 * k + n)
            film(tmp_path / f"chest_xray/train/PNEUMONIA/person{k}_virus_{n}.jpeg", 500 + 10 * k + n)
    for k in (3, 7):  # the same file under another patient's name
        film(tmp_path / f"chest_xray/train/NORMAL/NORMAL2-IM-90{k}0-0001.jpeg", 10 * k)
    film(tmp_path / "chest_xray/test/NORMAL/IM-0001-0001.jpeg", 901)
    film(tmp_path / "chest_xray/test/PNEUMONIA/person1_bacteria_1.jpeg", 902)
    (tmp_path / "chest_xray/train/NORMAL/.DS_Store").write_bytes(b"x")
    return tmp_path


def test_the_public_layout_is_read_from_either_level(folder: Path):
    outer, inner = chest_xray(folder), chest_xray(folder / "chest_xray")
    assert [case.name for case in outer] == [case.name for case in inner]
    assert len(outer) == 44
    assert outer[0].name == "train/NORMAL/IM-0000-0000.jpeg"
    assert {case.split for case in outer} == {"train", "test"}


def test_no_patient_and_no_file_stands_on_two_sides(folder: Path):
    for seed in range(5):
        cases = hold_out(chest_xray(folder), folds=4, seed=seed)
        side: dict[str, set[str]] = {}
        for case in cases:
            if case.split != "test":
                side.setdefault(case.patient, set()).add(case.split)
                side.setdefault(str(hash(case.path.read_bytes())), set()).add(case.split)
        assert all(len(splits) == 1 for splits in side.values())
        assert any(case.split == "validation" for case in cases)


def test_validation_is_taken_from_train_only(folder: Path):
    before = chest_xray(folder)
    after = hold_out(before, folds=4, seed=0)
    assert [case.name for case in before] == [case.name for case in after]
    for old, new in zip(before, after, strict=True):
        assert old.split == new.split or (old.split, new.split) == ("train", "validation")


def test_the_same_seed_carves_the_same_cases(folder: Path):
    assert hold_out(chest_xray(folder), folds=4, seed=1) == hold_out(chest_xray(folder), folds=4, seed=1)


def test_films_are_read_to_one_size(folder: Path):
    films = read_films(chest_xray(folder)[:3])
    assert films.shape == (3, 1, 224, 224)
    assert 0 <= films.min() <= films.max() <= 1


def test_a_wrong_folder_is_named_with_the_way_out(tmp_path: Path):
    with pytest.raises(DataSetError, match="public archive unpacks to"):
        chest_xray(tmp_path)


def test_a_film_without_a_patient_number_is_refused(folder: Path):
    film(folder / "chest_xray/train/NORMAL/scan.jpeg", 1)
    with pytest.raises(DataSetError, match="published file names"):
        chest_xray(folder)


def test_the_real_set_has_the_published_counts(data: Path):
    cases = chest_xray(data)

    def count(split: str, label: str) -> int:
        return sum((case.split, case.label) == (split, label) for case in cases)

    assert (count("test", "normal"), count("test", "pneumonia")) == (234, 390)
    assert (count("train", "normal"), count("train", "pneumonia")) == (1341, 3875)
    assert len(lung_masks(data)) == 1073


def test_bacteria_and_virus_of_one_number_are_one_patient():
    assert _kermany_patient("person7_bacteria_25") == _kermany_patient("person7_virus_1")


def test_head_ct_slices_of_one_patient_stay_together(tmp_path: Path):
    for seed, name in enumerate(("100", "100 (1)", "100 (12)", "101", "102 (3)")):
        film(tmp_path / f"brain_ct/Normal/{name}.jpg", seed)
        film(tmp_path / f"brain_ct/Stroke/2{name}.jpg", 50 + seed)
    cases = brain_ct(tmp_path)
    assert {case.label for case in cases} == {"normal", "stroke"}
    assert len({case.patient for case in cases if case.label == "normal"}) == 3
    assert cases[0].name == "brain_ct/Normal/100 (1).jpg"
    assert {case.split for case in cases} == {"train"}


def test_hemorrhage_slices_are_for_the_test_only(tmp_path: Path):
    film(tmp_path / "brain_ct_hemorrhage/Normal/001.jpg", 1)
    film(tmp_path / "brain_ct_hemorrhage/Hemorrhage/001.jpg", 2)
    cases = brain_ct_hemorrhage(tmp_path)
    assert [(case.label, case.split) for case in cases] == [("normal", "test"), ("hemorrhage", "test")]


def test_no_tumour_is_the_normal_class(tmp_path: Path):
    for split in ("train", "test"):
        for seed, label in enumerate(("notumor", "glioma", "meningioma", "pituitary")):
            film(tmp_path / f"brain_mri/{split}/{label}/a.jpg", seed)
    cases = brain_mri(tmp_path)
    assert [case.label for case in cases[:4]] == ["normal", "glioma", "meningioma", "pituitary"]
    assert cases[0].name == "train/notumor/a.jpg"
    assert [case.split for case in cases] == ["train"] * 4 + ["test"] * 4


def test_brain_slices_that_test_nothing_are_left_out(tmp_path: Path):
    with BRAIN_MRI_LEFT_OUT.open(newline="") as file:
        rows = list(csv.DictReader(file))
    twin, ct = (
        next(row["slice"] for row in rows if (row["why"] == "CT") == is_ct) for is_ct in (False, True)
    )
    for split, label in itertools.product(
        ("train", "test"), ("notumor", "glioma", "meningioma", "pituitary")
    ):
        film(tmp_path / f"brain_mri/{split}/{label}/other.jpg", 1)
    film(tmp_path / "brain_mri" / twin, 2)
    film(tmp_path / "brain_mri" / ct, 3)
    names = {case.name for case in every_brain_mri(tmp_path)} - {case.name for case in brain_mri(tmp_path)}
    assert names == {twin, ct}


def test_brain_slices_that_may_be_of_one_patient_stay_together(tmp_path: Path):
    for seed, label in enumerate(("notumor", "glioma", "meningioma", "pituitary")):
        for number in (0, 1, 26, 60):
            film(tmp_path / f"brain_mri/train/{label}/Tr_{number:04}.jpg", 10 * seed + number)
        film(tmp_path / f"brain_mri/test/{label}/Te_0000.jpg", 500 + seed)
    shutil.copy(
        tmp_path / "brain_mri/train/notumor/Tr_0001.jpg", tmp_path / "brain_mri/train/notumor/Tr_0090.jpg"
    )
    patients = {case.name: case.patient for case in brain_mri_series(tmp_path)}
    glioma = [patients[f"train/glioma/Tr_{number:04}.jpg"] for number in (0, 1, 26, 60)]
    assert glioma[0] == glioma[1] != patients["train/meningioma/Tr_0000.jpg"]
    assert len(set(glioma)) == 3
    normal = [patients[f"train/notumor/Tr_{number:04}.jpg"] for number in (0, 1, 90)]
    assert normal[0] != normal[1] == normal[2]
