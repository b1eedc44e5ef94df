"""A labelled set of one's own: one folder per class, measured against the folders' names."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.batch.folders import files
from core.batch.rows import ScreeningRow
from core.card_types import Card
from core.errors import UnknownName
from core.evaluation.binary import evaluate
from core.types import EvaluationReport


@dataclass(frozen=True, slots=True)
class FolderEvaluation:
    """A labelled set, measured. report.points holds the card's own threshold; refused and unreadable
    files are left out of it and counted."""

    card: str
    refused: int
    unreadable: int
    report: EvaluationReport


def labels_of(card: Card, folder: Path) -> dict[Path, str]:
    """Every file below folder/<class>/ with its label, without regard to case.

    Raises UnknownName for a folder that is no label of the card.
    """
    classes = sorted(path for path in folder.glob("*/") if not path.name.startswith("."))
    unknown = [path.name for path in classes if path.name.lower() not in card.labels]
    if unknown or not classes:
        found = ", ".join(unknown) or "no folders"
        raise UnknownName(
            f"{folder} holds {found}; {card.id} knows the labels {', '.join(card.labels)}. "
            "Name one folder after each."
        )
    return {file: path.name.lower() for path in classes for file in files([path])}


def evaluate_folders(
    card: Card, folder: Path, judge: Callable[[list[Path]], Iterable[ScreeningRow]]
) -> FolderEvaluation:
    """Judge every file and measure.

    card: whose labels the folders are named for.
    folder: holds one folder per label.
    judge: files -> their rows.
    Raises UnknownName for a folder that is no label, NotEnoughLabels when only one class could be read.
    """
    label_of = {path.as_posix(): label for path, label in labels_of(card, folder).items()}
    rows = list(judge([Path(path) for path in label_of]))
    judged = [(label_of[row.path], row.score) for row in rows if row.score is not None]
    report = evaluate(
        folder.name,
        [int(label != card.labels[0]) for label, _ in judged],
        [score for _, score in judged],
        points={"card": card.threshold},
        probabilistic=card.kind == "classifier",
    )
    counts = Counter(row.status for row in rows)
    return FolderEvaluation(card.id, counts["refused"], counts["unreadable"], report)
