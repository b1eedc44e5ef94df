"""A labelled set of one's own, measured: one folder per class, or a table of names and labels."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.batch import labels
from core.batch.folders import files
from core.batch.labels import TableRow
from core.batch.rows import ScreeningRow
from core.card_types import Card
from core.errors import NotEnoughLabels, UnknownName
from core.evaluation.binary import evaluate
from core.types import EvaluationReport


@dataclass(frozen=True, slots=True)
class LabelledFiles:
    """Files of a folder with their labels. remarks: a sentence for each thing left out."""

    folder: Path
    label_of: Mapping[Path, str]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FolderEvaluation:
    """A labelled set, measured. report.points holds the threshold in use; refused and unreadable files are
    left out of it and counted. remarks: of what else was left out."""

    card: str
    refused: int
    unreadable: int
    report: EvaluationReport
    remarks: tuple[str, ...] = ()


def labelled_files(card: Card, folder: Path, table: Sequence[TableRow] = ()) -> LabelledFiles:
    """Every labelled file below the folder; nothing is read yet.

    card: in whose words labels are.
    folder: holds one folder per class, or the files that the table names.
    table: from labels.read_table.
    Raises UnknownName where no file has a label, NotEnoughLabels where all are of one class.
    """
    found = files([folder])
    read = labels.of_films(card, [path.relative_to(folder).as_posix() for path in found], table)
    label_of = {path: label for path, label in zip(found, read.of, strict=True) if label is not None}
    if not label_of:
        parents = sorted({path.parent.name for path in found if path.parent != folder})
        holds = f"{folder} holds {', '.join(parents[:5]) or 'no folders'} and no labelled files."
        wanted = f"{card.id} knows the labels {', '.join(card.labels)}: name one folder after each."
        raise UnknownName(" ".join([holds, *read.remarks, wanted]))
    if said := labels.one_class(card, label_of.values()):
        raise NotEnoughLabels(" ".join([said, *read.remarks]))
    return LabelledFiles(folder, label_of, read.remarks)


def evaluate_files(
    card: Card,
    found: LabelledFiles,
    judge: Callable[[list[Path]], Iterable[ScreeningRow]],
    *,
    threshold: float | None = None,
) -> FolderEvaluation:
    """Judge every labelled file and measure.

    card: whose labels they are.
    found: from `labelled_files`.
    judge: files -> their rows.
    threshold: to measure at; the card's own when None.
    Raises NotEnoughLabels when only one class could be read.
    """
    label_of = {path.as_posix(): label for path, label in found.label_of.items()}
    rows = list(judge(list(found.label_of)))
    judged = [(label_of[row.path], row.score) for row in rows if row.score is not None]
    report = evaluate(
        found.folder.name,
        [int(label != card.labels[0]) for label, _ in judged],
        [score for _, score in judged],
        points={"card": card.threshold} if threshold is None else {"operating point": threshold},
        probabilistic=card.kind == "classifier",
    )
    counts = Counter(row.status for row in rows)
    return FolderEvaluation(card.id, counts["refused"], counts["unreadable"], report, found.remarks)


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
