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
    """A labelled set, measured. report.points holds the threshold in use; refused and unreadable
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
    card: Card,
    folder: Path,
    judge: Callable[[list[Path]], Iterable[ScreeningRow]],
    *,
    threshold: float | None = None,
) -> FolderEvaluation:
    """Judge every file and measure.

    card: whose labels the folders are named for.
    folder: holds one folder per label.
    judge: files -> their rows.
    threshold: to measure at; the card's own when None.
    Raises UnknownName for a folder that is no label, NotEnoughLabels when only one class could be read.
    """
    label_of = {path.as_posix(): label for path, label in labels_of(card, folder).items()}
    rows = list(judge([Path(path) for path in label_of]))
    judged = [(label_of[row.path], row.score) for row in rows if row.score is not None]
    report = evaluate(
        folder.name,
        [int(label != card.labels[0]) for label, _ in judged],
        [score for _, score in judged],
        points={"card": card.threshold} if threshold is None else {"operating point": threshold},
        probabilistic=card.kind == "classifier",
    )
    counts = Counter(row.status for row in rows)
    return FolderEvaluation(card.id, counts["refused"], counts["unreadable"], report)


def in_words(outcome: FolderEvaluation, name: str) -> list[str]:
    """The evaluation, a line each. name: of the set."""
    report = outcome.report
    (low, high), point = report.auc_interval, report.points[0]
    names = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1")
    rates = {rate: getattr(point, rate) for rate in names}
    return [
        f"{name}: {report.n} scans, {report.abnormal} abnormal, {outcome.card}",
        f"AUC {report.auc:.4f} ({low:.4f}-{high:.4f}, 95 % DeLong)",
        f"At the {point.policy}'s threshold {point.threshold:.4g}:",
        f"  true positives  {point.true_positives:6}    false negatives {point.false_negatives:6}",
        f"  false positives {point.false_positives:6}    true negatives  {point.true_negatives:6}",
        *(
            f"  {rate:12} {'not defined' if value is None else f'{value:.4f}'}"
            for rate, value in rates.items()
        ),
        f"Left out: {outcome.refused} refused, {outcome.unreadable} unreadable.",
    ]
