"""What films truly are, from a table or the folders they lie in: one reader for page and command line."""

import csv
import io
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from core.card_types import Card
from core.errors import OpacityError

ABNORMAL: Final = "abnormal"  # a label that every card understands
NAMES: Final = ("name", "path", "file")  # what the column of films may be called
SEPARATORS: Final = ",;\t|"
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LISTED: Final = 5  # names in a sentence; the others are counted


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a table. film: a file's name or path; extra: its other columns."""

    film: str
    label: str
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Labels:
    """What each film is, in the card's words, or None where that is not known; extra: of its row.

    remarks: a sentence for each thing that was left out or has to be looked at.
    """

    of: tuple[str | None, ...]
    extra: tuple[Mapping[str, str], ...]
    remarks: tuple[str, ...]


def one_class(card: Card, labels: Iterable[str | None]) -> str:
    """What to say where all labels are normal or all are abnormal; empty where both, or none, are there."""
    known = {label == card.labels[0] for label in labels if label is not None}
    if len(known) != 1:
        return ""
    word = card.labels[0] if known == {True} else ABNORMAL
    return f"All labelled films are {word}: measuring a model takes normal and abnormal ones."


def read_table(data: bytes, name: str) -> list[TableRow]:
    """Rows of a table with the columns name and label; one without a name is left out.

    data, name: as in `read_rows`. Raises OpacityError for a table without these columns.
    """
    columns, rows = read_rows(data, name)
    film = next((column for column in NAMES if column in columns), None)
    if film is None or "label" not in columns:
        raise OpacityError(f"{name} needs the columns name and label: add them as its first line.")
    return [_row(row, film) for row in rows if row[film]]


def read_rows(data: bytes, name: str) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a table, in any of the ways that programs write one.

    data: UTF-8, UTF-16 or Windows' cp1252; separated by comma, semicolon, tab or bar.
    name: of the file, for the error. Raises OpacityError for what is no table.
    Returns names of columns in small letters, and values without spaces around them.
    """
    text = _decoded(data)
    if text.lower().startswith("sep="):  # Excel's own first line
        text = text.partition("\n")[2]
    first = text.partition("\n")[0]
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count))
    try:
        columns = [_folded(column) for column in table.fieldnames or ()]
        table.fieldnames = columns
        return columns, [{name: (row[name] or "").strip() for name in columns} for row in table]
    except csv.Error as error:
        raise OpacityError(f"{name} is no table that can be read ({error}): save it as CSV.") from error


def _row(row: Mapping[str, str], film: str) -> TableRow:
    values = dict(row)
    return TableRow(values.pop(film), values.pop("label"), values)


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\0" in data[:2]:  # UTF-16 without its mark: the first letter of a header is ASCII
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", errors="replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _folded(word: str) -> str:
    """Without regard to case, spaces, underscores, and how an accent is written."""
    return " ".join(unicodedata.normalize("NFC", word).casefold().replace("_", " ").split())


def meaning(card: Card, label: str) -> str | None:
    """The label in the card's words, or None. A detector knows normal and everything else."""
    word = _folded(label)
    if word in (*card.labels, ABNORMAL):
        return word
    if word in ("0", "0.0"):
        return card.labels[0]
    if word in ("1", "1.0"):
        return card.labels[1] if len(card.labels) == 2 else ABNORMAL
    doubtful = not word or word.isdigit() or _close(card.labels[:1], word)
    return word if card.kind == "detector" and not doubtful else None


def question(card: Card, label: str) -> str:
    """What to say of a label that means nothing to the card."""
    near = _close((*card.labels, ABNORMAL), _folded(label))
    if near:
        return f"{label}: did you mean {near}?"
    return f"{label}: {card.id} knows {', '.join(card.labels)}, and 0 and 1."


def _close(known: Iterable[str], word: str) -> str:
    return next(iter(get_close_matches(word, list(known), 1, 0.75)), "")


def of_films(card: Card, films: Sequence[str], table: Sequence[TableRow] = ()) -> Labels:
    """Each film's label: from the row that names it, else from the folder it lies in.

    card: in whose words.
    films: paths or names, separated by slashes.
    table: from `read_table`. A row may leave out leading folders where one film alone fits it then.
    """
    rows, remarks = _match(films, table)
    senses = [{meaning(card, row.label) or row.label for row in found} for found in rows]
    written = [
        "" if len(sense) > 1 else found[0].label if found else folder
        for sense, found, folder in zip(senses, rows, _class_folders(card, films), strict=True)
    ]
    clash = [film for film, sense in zip(films, senses, strict=True) if len(sense) > 1]
    bare = [film for film, text in zip(films, written, strict=True) if not text and film not in clash]
    remarks += _said(clash, "with rows that contradict each other, left out")
    if table:
        remarks += _said(bare, "without a label in the table, left out")
    elif any(written):
        remarks += _said(bare, "in no class's folder, left out")
    unknown = Counter(text for text in written if text and meaning(card, text) is None)
    remarks += [f"{question(card, text)} Left out: {count}." for text, count in unknown.items()]
    return Labels(
        tuple(meaning(card, text) for text in written),
        tuple(found[0].extra if found else {} for found in rows),
        tuple(remarks),
    )


def _match(films: Sequence[str], table: Sequence[TableRow]) -> tuple[list[list[TableRow]], list[str]]:
    """The rows that name each film, and what is to say of those that name none or several."""
    paths = [_parts(film) for film in films]
    places: dict[str, list[int]] = defaultdict(list)
    for place, path in enumerate(paths):
        places[path[-1]].append(place)
    rows: list[list[TableRow]] = [[] for _ in films]
    lost: list[str] = []
    several: list[str] = []
    for row in table:
        parts = _parts(row.film)
        fitting = [place for place in places[parts[-1]] if _end_alike(paths[place], parts)]
        exact = [place for place in fitting if films[place] == row.film]
        if len(exact or fitting) == 1:
            rows[(exact or fitting)[0]].append(row)
        else:
            (several if fitting else lost).append(row.film)
    return rows, [
        *_said(lost, "named in the table and not here"),
        *_said(several, "named in the table and here more than once: write the folder too"),
    ]


def _parts(path: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFC", path).casefold().replace("\\", "/")
    return tuple(part.strip() for part in folded.split("/") if part.strip() not in ("", ".")) or ("",)


def _end_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[-shorter:] == other[-shorter:]


def _class_folders(card: Card, films: Sequence[str]) -> list[str]:
    """The name of the folder that stands for each film's class, or "".

    Classes are the folders on that level where most labels of the card are found.
    """
    paths = [film.split("/")[:-1] for film in films]
    named = (*card.labels, ABNORMAL)
    found: dict[int, set[str]] = defaultdict(set)
    for path in paths:
        for level, name in enumerate(path):
            if _folded(name) in named:
                found[level].add(_folded(name))
    if not found:  # at most misspelt ones
        return [path[-1] if path and _close(named, _folded(path[-1])) else "" for path in paths]
    level = max(sorted(found), key=lambda each: len(found[each]))
    return [path[level] if len(path) > level else "" for path in paths]


def _said(names: Sequence[str], what: str) -> list[str]:
    """["3 films without a row in the table: a.png, b.png, c.png."], or [] of none."""
    if not names:
        return []
    shown = ["".join(letter for letter in name if letter.isprintable())[-80:] for name in names[:_LISTED]]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return [f"{len(names)} film{'s' if len(names) > 1 else ''} {what}: {', '.join(shown)}{more}."]
