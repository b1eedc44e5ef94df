"""How often a card's held-out films were looked at: weights/<id>/openings.csv, one row a look.

Scripts of train/ add a row whenever they score a test split. Rows of looks before there was a log say where
they were read from.
"""

import csv
from dataclasses import dataclass, fields
from pathlib import Path

from core.card_types import Card
from core.cards import WEIGHTS
from core.errors import CardError

FILE = "openings.csv"
RECORDED = "recorded"
_SAME = 1e-4  # of an AUC: older cards were measured on more digits than scores.csv keeps
TEST = "test"  # the split of scores.csv; other names say which other films, or what was done to these


@dataclass(frozen=True, slots=True)
class Opening:
    """One look at films that nothing may be chosen by.

    date: ISO 8601, of the day. commit: of the code, as on the card. split: which films. command: that scored
    them. auc: abnormal against normal, None where none was taken. source: `RECORDED`, or where an older look
    is known from.
    """

    date: str
    commit: str
    split: str
    command: str
    auc: float | None
    source: str = RECORDED


_HEADER = tuple(field.name for field in fields(Opening))


def read(card_id: str, root: Path = WEIGHTS) -> tuple[Opening, ...]:
    """All looks that are known, oldest first; none without a log. Raises CardError for another file."""
    path = root / card_id / FILE
    if not path.is_file():
        return ()
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return tuple(
                Opening(auc=float(auc) if (auc := row.pop("auc")) else None, **row)
                for row in csv.DictReader(file, strict=True)
            )
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise CardError(
            f"{path} is no log of openings: each row needs {','.join(_HEADER)}. Restore it from git."
        ) from error


def append(card_id: str, opening: Opening, root: Path = WEIGHTS) -> None:
    """Add one look to the end of the card's log."""
    path = root / card_id / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(_HEADER)
        auc = "" if opening.auc is None else f"{opening.auc:.6g}"
        writer.writerow([auc if name == "auc" else getattr(opening, name) for name in _HEADER])


def count(card_id: str, split: str = TEST, root: Path = WEIGHTS) -> int:
    """How often that split was looked at, as far as known.

    card_id: whose log.
    split: as the log names it.
    root: where all cards lie.
    """
    return sum(opening.split == split for opening in read(card_id, root))


def measured(card: Card, root: Path = WEIGHTS) -> bool:
    """Whether the card's log knows of its test AUC: a figure without its look counts for nothing."""
    report = card.report.get(TEST)
    if report is None:
        return False
    known = [opening.auc for opening in read(card.id, root) if opening.split == TEST]
    return any(auc is not None and abs(auc - report.auc) < _SAME for auc in known)
