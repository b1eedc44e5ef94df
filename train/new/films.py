"""A person's own films as labelled cases: a folder with one sub-folder per class, or a table."""

import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from core.batch import folders, labels
from core.errors import DataSetError
from train.data.datasets import Case

NORMAL = "normal"
# what folders of normal films are called, in some languages
NORMAL_WORDS = {
    *(NORMAL, "normals", "healthy", "negative", "neg", "control", "controls", "no finding", "0"),
    *("gesund", "unauffällig", "sano", "sanos", "sain", "sains", "normaal", "normale", "normali", "saudável"),
    *("норма", "здоровые", "正常", "정상", "طبيعي", "सामान्य"),
}
SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "": "",
}

Ask = Callable[[str], str]


def gather(source: Path) -> list[Case]:
    """All files of a folder or a table, with labels as written; nothing is read yet.

    Without a rule every file is a patient of its own. A split that nobody named is empty.
    Raises DataSetError where no file has a label.
    """
    source = source.absolute()
    cases = _of_table(source) if source.is_file() else _of_folder(source)
    if not cases:
        raise DataSetError(
            f"{folders.shown(source)} holds no labelled files. Give a folder with one sub-folder per class, "
            "or a CSV with the columns path and label."
        )
    return cases


def _of_folder(root: Path) -> list[Case]:
    """Sub-folders name classes, or splits with classes below; files without any are normal."""
    if not root.is_dir():
        raise DataSetError(f"There is no folder or table {folders.shown(root)}. Name one with --data.")
    tops = _subfolders(root)
    if tops and all(_word(path.name) in SPLITS for path in tops):
        return [case for top in tops for case in _of_classes(root, _subfolders(top), SPLITS[_word(top.name)])]
    return _of_classes(root, tops, "") or [
        _case(path, root, NORMAL) for path in folders.files([root]) if path.is_file()
    ]


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _of_classes(root: Path, classes: Sequence[Path], split: str) -> list[Case]:
    return [
        _case(path, root, folder.name, split=split) for folder in classes for path in folders.files([folder])
    ]


def _case(path: Path, root: Path, label: str, *, split: str = "", patient: str = "") -> Case:
    name = printable(Path(os.path.relpath(path, root)).as_posix())
    return Case(path, name, _word(printable(label)), patient or name, split)


def printable(text: str) -> str:
    """The text in letters that every file can hold: bytes that are no UTF-8 are written as \\xNN."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _word(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).replace("_", " ").lower().split())


def _of_table(table: Path) -> list[Case]:
    """Rows of a table: paths as they are, or below the table's folder; patient and split are optional."""
    rows = [row for row in labels.read_table(table.read_bytes(), table.name) if row.label]
    paths = [table.parent / row.film.replace("\\", "/") for row in rows]
    if not paths:
        return []
    root = Path(os.path.commonpath([path.parent for path in paths]))
    return [
        _case(
            path,
            root,
            row.label,
            split=_split(row.extra.get("split", ""), table.name),
            patient=row.extra.get("patient", ""),
        )
        for path, row in zip(paths, rows, strict=True)
    ]


def _split(word: str, table: str) -> str:
    if _word(word) not in SPLITS:
        raise DataSetError(f"{table} has a split {word!r}. Choose from: train, validation, test.")
    return SPLITS[_word(word)]


def patient_rule(pattern: str) -> re.Pattern[str]:
    """Raises DataSetError for what is no regular expression."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise DataSetError(f"--patient {pattern!r} is no regular expression ({error}).") from error


def patient_of(rule: re.Pattern[str], name: str) -> str | None:
    """The rule's first group in the file's name, or all that it matches; None where it does not."""
    found = rule.search(name)
    return None if found is None else (found[1] if rule.groups and found[1] else found[0])


def labels_of(cases: Sequence[Case], normal: str, ask: Ask | None) -> tuple[str, ...]:
    """All labels, the normal one first.

    cases: at least one.
    normal: the word for it, empty where nobody said.
    ask: puts a question to the person; None where nobody is there.
    Raises DataSetError where nobody knows which is normal.
    """
    found = sorted({case.label for case in cases})
    known = [_word(normal)] if normal else [label for label in found if label in NORMAL_WORDS]
    if len(known) != 1 and ask:
        known = [_word(ask(f"Which of these is normal? {', '.join(found)}: "))]
    if len(known) != 1 or known[0] not in found:
        raise DataSetError(f"Which of the classes is normal? Say --normal with one of: {', '.join(found)}.")
    return (known[0], *(label for label in found if label != known[0]))
