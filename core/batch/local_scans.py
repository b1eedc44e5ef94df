"""A place's own scans with their scores, for a threshold of its own: from a folder, or from a table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath

from core.batch import labels
from core.batch.folders import files
from core.batch.labels import ABNORMAL
from core.batch.rows import ScreeningRow
from core.card_types import Card
from core.errors import OpacityError, UnknownName
from core.evaluation.local_calibration import MIN_NORMALS, LocalCalibration, calibrate

COLUMNS = ("label", "score")


@dataclass(frozen=True, slots=True)
class LocalScan:
    """One scan that was judged. patient: who it is of; its own name where names do not tell."""

    abnormal: bool
    score: float
    patient: str


def from_folder(
    card: Card, folder: Path, judge: Callable[[list[Path]], Iterable[ScreeningRow]]
) -> list[LocalScan]:
    """Judge the files below folder/<class>/, or below the folder, all of them normal, where it has no class.

    card: whose labels the folders are named for; "abnormal" is understood as well.
    folder: of the place's own scans.
    judge: files -> their rows.
    Files that could not be judged are left out. Raises UnknownName for a folder beside the classes.
    """
    classes = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    known = classes.keys() & {*card.labels, ABNORMAL}
    if unknown := sorted(classes.keys() - known) if known else []:
        raise UnknownName(
            f"{folder} holds {', '.join(unknown)} beside {', '.join(sorted(known))}; {card.id} knows the "
            f"labels {', '.join(card.labels)} and {ABNORMAL}. Name one folder after each."
        )
    parts = {name: classes[name] for name in known} or {card.labels[0]: folder}
    origin = {file.as_posix(): (name, part) for name, part in parts.items() for file in files([part])}
    rows = [row for row in judge([Path(path) for path in origin]) if row.score is not None]
    patients = patients_of([Path(row.path).relative_to(origin[row.path][1]).as_posix() for row in rows])
    return [
        LocalScan(origin[row.path][0] != card.labels[0], row.score, patient)
        for row, patient in zip(rows, patients, strict=True)
        if row.score is not None
    ]


def from_table(card: Card, path: Path) -> list[LocalScan]:
    """The rows of a table with the columns label and score, and, if known, patient, path or case.

    card: whose scores these are.
    path: of the table; rows without a score are left out.
    Raises OpacityError for a table without its columns or with a score that is none, UnknownName for a label.
    """
    columns, rows = labels.read_rows(path.read_bytes(), path.name)
    rows = [row for row in rows if row.get("score")]
    if missing := [name for name in COLUMNS if not rows or name not in columns]:
        raise OpacityError(
            f"{path.name} has no rows with {' and '.join(missing)}: its first line must name the columns "
            "label and score."
        )
    named = next((name for name in ("patient", "path", "case") if name in columns), None)
    names = [row[named] if named else str(place) for place, row in enumerate(rows)]
    # folders of a table may be anything: of a data set, of a split
    patients = names if named == "patient" else patients_of([PurePosixPath(name).name for name in names])
    return [_scan(card, path, row, patient) for row, patient in zip(rows, patients, strict=True)]


def _scan(card: Card, path: Path, row: dict[str, str], patient: str) -> LocalScan:
    label = labels.meaning(card, row["label"])
    if label is None:
        asked = labels.question(card, row["label"])
        raise UnknownName(f"{path.name} has the label {row['label']!r}, which says nothing here. {asked}")
    try:
        return LocalScan(label != card.labels[0], float(row["score"]), patient)
    except ValueError as error:
        raise OpacityError(f"{path.name} has the score {row['score']!r}: write a number there.") from error


def below_classes(card: Card, names: Sequence[str]) -> list[str]:
    """Paths from the folder of their class downwards: folders above it, or that all share, are no patients.

    card: whose words name the classes.
    names: paths.
    """
    paths = [PurePosixPath(name).parts for name in names]
    alike = takewhile(lambda parts: len(set(parts)) == 1, zip(*(path[:-1] for path in paths), strict=False))
    shared = len(list(alike))
    starts = (
        max((place + 1 for place, part in enumerate(path[:-1]) if labels.meaning(card, part)), default=shared)
        for path in paths
    )
    return ["/".join(path[start:]) for path, start in zip(paths, starts, strict=True)]


def patients_of(names: Sequence[str]) -> list[str]:
    """Who each file is of: its folder, where files lie in folders; else what stands before the last _ or -.

    Names such as normal_1 and normal_2 tell no patients: where fewer than MIN_NORMALS would be left, every
    file stands for one.
    """
    paths = [PurePosixPath(name) for name in names]
    if any(len(path.parts) > 1 for path in paths):
        return [path.parent.as_posix() if len(path.parts) > 1 else path.name for path in paths]
    stems = [path.stem.replace("_", "-").rpartition("-")[0] or path.stem for path in paths]
    return stems if len(set(stems)) >= MIN_NORMALS else list(names)


def calibrated(card: Card, scans: Sequence[LocalScan], specificity: float) -> LocalCalibration:
    """A threshold on these scans.

    card: that judged them.
    scans: normal ones, and abnormal ones if there are any.
    specificity: asked for, in (0, 1).
    Raises NotEnoughLabels, NoUsefulThreshold.
    """
    return calibrate(
        [int(scan.abnormal) for scan in scans],
        [scan.score for scan in scans],
        [scan.patient for scan in scans],
        specificity=specificity,
        card_threshold=card.threshold,
    )
