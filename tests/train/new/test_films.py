"""Folders and tables of a person's films become cases."""

import os
import sys
from pathlib import Path

import pytest

from core.errors import DataSetError, OpacityError
from train.new import films


def filled(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_sub_folders_of_any_language_are_classes(tmp_path: Path):
    found = films.gather(filled(tmp_path, "Gesund/a.png", "Krank/deep/b.dcm", "lésion/c.tif"))
    assert [(case.name, case.label) for case in found] == [
        ("Gesund/a.png", "gesund"),
        ("Krank/deep/b.dcm", "krank"),
        ("lésion/c.tif", "lésion"),
    ]
    assert films.labels_of(found, "", None) == ("gesund", "krank", "lésion")


def test_folders_of_splits_hold_the_classes(tmp_path: Path):
    found = films.gather(filled(tmp_path, "train/NORMAL/a.png", "val/NORMAL/b.png", "test/TB/c.png"))
    assert {(case.label, case.split) for case in found} == {
        ("normal", "train"),
        ("normal", "validation"),
        ("tb", "test"),
    }


def test_files_without_folders_are_all_normal(tmp_path: Path):
    assert [case.label for case in films.gather(filled(tmp_path, "a.png", "b.png"))] == ["normal"] * 2


def test_a_table_names_path_label_patient_and_split(tmp_path: Path):
    filled(tmp_path, "x/a.png", "x/b.png")
    table = tmp_path / "labels.csv"
    table.write_bytes("Path;Label;Patient;Split\nx/a.png;0;7;test\nx/b.png;1;8;\n".encode("utf-8-sig"))
    first, second = films.gather(table)
    assert (first.name, first.label, first.patient, first.split) == ("a.png", "0", "7", "test")
    assert (second.label, second.split) == ("1", "")
    assert first.path == tmp_path / "x" / "a.png"
    assert films.labels_of([first, second], "", None) == ("0", "1")


def test_a_table_without_its_columns_is_said(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_text("film,class\na.png,1\n")
    with pytest.raises(OpacityError, match="columns name and label"):
        films.gather(table)


@pytest.mark.parametrize("source", ["nowhere", "."])
def test_nothing_to_learn_from_is_said(tmp_path: Path, source: str):
    with pytest.raises(DataSetError, match=r"nowhere|no labelled files"):
        films.gather(tmp_path / source)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are a Linux matter")
def test_a_name_that_is_no_utf8_can_stand_on_a_card(tmp_path: Path):
    path = tmp_path / os.fsdecode(b"kr\xe4nk") / os.fsdecode(b"\xff.png")
    path.parent.mkdir()
    path.write_bytes(b"film")
    (found,) = films.gather(tmp_path)
    assert (found.label, found.name) == ("kr\\xe4nk", "kr\\xe4nk/\\xff.png")
    assert found.path.read_bytes() == b"film"


def test_which_class_is_normal_is_named_or_asked(tmp_path: Path):
    found = films.gather(filled(tmp_path, "apple/a.png", "pear/b.png"))
    assert films.labels_of(found, "Pear", None) == ("pear", "apple")
    assert films.labels_of(found, "", lambda _: "apple") == ("apple", "pear")
    with pytest.raises(DataSetError, match="--normal with one of: apple, pear"):
        films.labels_of(found, "", None)
    with pytest.raises(DataSetError, match="--normal with one of: apple, pear"):
        films.labels_of(found, "plum", None)


def test_the_patient_is_what_the_rule_finds():
    rule = films.patient_rule(r"p(\d+)_")
    assert films.patient_of(rule, "x/p17_2.png") == "17"
    assert films.patient_of(rule, "x/q17_2.png") is None
    with pytest.raises(DataSetError, match="no regular expression"):
        films.patient_rule("(")
