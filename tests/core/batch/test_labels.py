"""Labels as people write them: every spelling means the same on the page and on the command line."""

import unicodedata
from pathlib import Path

import pytest

from core import cards
from core.batch import labelled_folders, labels
from core.batch.labels import TableRow
from core.errors import NotEnoughLabels, OpacityError, UnknownName

CARD = cards.read("pneumonia-cnn")
DETECTOR = cards.read("chest-ensemble")
FILMS = ["Müller 0.jpeg", "Müller 1.jpeg", "Pérez 0.jpeg"]
LINES = "name,label\nMüller 0.jpeg,normal\nMüller 1.jpeg,normal\nPérez 0.jpeg,pneumonia\n"
WRITTEN = {
    "as it should be": LINES.encode(),
    "capitals": LINES.replace("name,label", " Name , LABEL").replace("normal", "Normal ").encode(),
    "decomposed": unicodedata.normalize("NFD", LINES).encode(),
    "mark": b"\xef\xbb\xbf" + LINES.encode(),
    "semicolon": LINES.replace(",", ";").encode(),
    "Excel": ("sep=;\r\n" + LINES.replace(",", ";").replace("\n", "\r\n")).encode("utf-8-sig"),
    "tabs, UTF-16": LINES.replace(",", "\t").encode("utf-16"),
    "UTF-16 without a mark": LINES.encode("utf-16-le"),
    "cp1252": LINES.encode("cp1252"),
    "numbers": LINES.replace("normal", "0").replace("pneumonia", "1").encode(),
    "Windows' path": LINES.replace("Müller 0", "C:\\films\\Müller 0").replace("name", "path").encode(),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_table_written_in_any_way_gives_the_same_labels(way: str):
    found = labels.of_films(CARD, FILMS, labels.read_table(WRITTEN[way], "labels.csv"))
    assert found.of == ("normal", "normal", "pneumonia")
    assert not found.remarks


@pytest.mark.parametrize("data", [b"", b"file;class\n", b"name\na.png\n", b"\x00\x01\x02"])
def test_a_table_without_its_columns_is_refused(data: bytes):
    with pytest.raises(OpacityError, match=r"labels\.csv needs the columns name and label"):
        labels.read_table(data, "labels.csv")


def rows(*pairs: tuple[str, str]) -> list[TableRow]:
    return [TableRow(film, label) for film, label in pairs]


def test_a_plural_is_asked_back_and_an_unknown_word_is_answered_with_those_known():
    found = labels.of_films(CARD, ["a", "b", "c"], rows(("a", "PNEUMONIAS"), ("b", "frog"), ("c", "7")))
    assert found.of == (None, None, None)
    assert found.remarks == (
        "PNEUMONIAS: did you mean pneumonia? Left out: 1.",
        "frog: pneumonia-cnn knows normal, pneumonia, and 0 and 1. Left out: 1.",
        "7: pneumonia-cnn knows normal, pneumonia, and 0 and 1. Left out: 1.",
    )


def test_a_detector_knows_normal_and_everything_else_but_no_misspelt_normal():
    given = rows(("a", "tuberculosis"), ("b", "Normal"), ("c", "normals"), ("d", "1"))
    found = labels.of_films(DETECTOR, ["a", "b", "c", "d"], given)
    assert found.of == ("tuberculosis", "normal", None, "pneumonia")
    assert found.remarks == ("normals: did you mean normal? Left out: 1.",)


def test_what_does_not_match_is_counted_and_listed():
    given = rows(("gone.png", "normal"), ("a.png", "normal"), ("a.png", "pneumonia"), ("b.png", "0"))
    found = labels.of_films(CARD, ["a.png", "b.png", "c.png"], given)
    assert found.of == (None, "normal", None)
    assert found.remarks == (
        "1 film named in the table and not here: gone.png.",
        "1 film with rows that contradict each other, left out: a.png.",
        "1 film without a label in the table, left out: c.png.",
    )


def test_rows_that_say_the_same_in_two_ways_do_not_contradict():
    found = labels.of_films(CARD, ["a.png"], rows(("a.png", "Pneumonia"), ("A.PNG", "1")))
    assert (found.of, found.remarks) == (("pneumonia",), ())


def test_films_of_one_name_are_told_apart_by_their_folder_or_not_at_all():
    films = ["a/1.jpeg", "b/1.jpeg"]
    apart = labels.of_films(CARD, films, rows(("a/1.jpeg", "normal"), ("b/1.jpeg", "pneumonia")))
    assert apart.of == ("normal", "pneumonia")
    together = labels.of_films(CARD, films, rows(("1.jpeg", "normal")))
    assert together.of == (None, None)
    assert "more than once: write the folder too: 1.jpeg" in together.remarks[0]


def test_the_folder_of_the_class_is_found_on_its_level():
    films = ["pneumonia/NORMAL/day1/a.png", "pneumonia/Pneumonia /b.png", "pneumonia/loose.png"]
    found = labels.of_films(CARD, films)
    assert found.of == ("normal", "pneumonia", None)
    assert found.remarks == ("1 film in no class's folder, left out: pneumonia/loose.png.",)


def test_folders_that_stand_for_no_class_say_nothing():
    for card in (CARD, DETECTOR):
        found = labels.of_films(card, ["films/a.png", "films/b.png"])
        assert (found.of, found.remarks) == ((None, None), ())


def laid(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_a_labelled_folder_leaves_out_what_is_hidden_and_says_what_is_loose(tmp_path: Path):
    folder = laid(
        tmp_path,
        "NORMAL/a.png",
        "NORMAL/.ipynb_checkpoints/a.png",
        "NORMAL/Thumbs.db",
        "PNEUMONIA/b.png",
        "PNEUMONIA/desktop.ini",
        "loose.png",
    )
    found = labelled_folders.labelled_files(CARD, folder)
    assert {path.name: label for path, label in found.label_of.items()} == {
        "a.png": "normal",
        "b.png": "pneumonia",
    }
    assert found.remarks == ("1 film in no class's folder, left out: loose.png.",)


def test_a_detector_measures_any_folder_beside_the_normal_one(tmp_path: Path):
    found = labelled_folders.labelled_files(DETECTOR, laid(tmp_path, "normal/a.png", "tuberculosis/b.png"))
    assert sorted(found.label_of.values()) == ["normal", "tuberculosis"]


def test_a_folder_without_labels_or_with_misspelt_ones_is_refused(tmp_path: Path):
    with pytest.raises(
        UnknownName, match=r"holds no folders and no labelled files.*name one folder after each"
    ):
        labelled_folders.labelled_files(CARD, laid(tmp_path / "films", "a.png"))
    folder = laid(tmp_path / "plural", "NORMAL/a.png", "PNEUMONIAS/a.png")
    with pytest.raises(NotEnoughLabels, match=r"PNEUMONIAS: did you mean pneumonia\?"):
        labelled_folders.labelled_files(CARD, folder)
