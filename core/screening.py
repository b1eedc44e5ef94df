"""Many scans, one after the other: each is read, judged and let go."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core import audit, gate, images, inference, lungs
from core.errors import OpacityError, RefusedScan, UnknownName
from core.evaluate import evaluate
from core.inference import Model
from core.types import EvaluationReport, LungFields, Prediction, Scan, Verdict

Status = Literal["ok", "refused", "unreadable"]


@dataclass(frozen=True, slots=True)
class Row:
    """One file's outcome. score and verdict are None unless status is "ok"; error says why not, or
    what the gate says against a file that was read on request."""

    path: str
    status: Status
    score: float | None = None
    threshold: float | None = None
    verdict: Verdict | None = None
    error: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)


def files(paths: Sequence[Path]) -> list[Path]:
    """All files among and below the paths, sorted within each, hidden ones left out."""
    return [
        file
        for path in paths
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if not file.is_dir() and not file.name.startswith(".")
    ]


def screen(
    model: Model, paths: Iterable[Path], *, threshold: float | None = None, override: bool = False
) -> Iterator[Row]:
    """Judge each file in turn; one that cannot be judged gives a row and stops nothing."""
    for path in paths:
        yield judge_file(model, path, threshold=threshold, override=override)


def judge_file(model: Model, path: Path, *, threshold: float | None = None, override: bool = False) -> Row:
    """One file's row. threshold: the card's own when not given."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"{path.name} cannot be opened: {error.strerror}."
        return Row(path.as_posix(), "unreadable", error=reason)
    return judge_named(model, data, path.as_posix(), threshold=threshold, override=override)


def judge_named(
    model: Model, data: bytes, path: str, *, threshold: float | None = None, override: bool = False
) -> Row:
    """The row of a file's bytes, and its line in the audit log. path: as it shall stand in the row."""
    cut = model.card.threshold if threshold is None else threshold
    try:
        scan = images.read(data, path.rsplit("/", 1)[-1])
        admission = admit(model, scan, override=override)
    except RefusedScan as error:
        return Row(path, "refused", error=str(error))
    except OpacityError as error:
        return Row(path, "unreadable", error=str(error))
    result = inference.judge(model, scan, admission.fields)
    verdict: Verdict = "abnormal" if result.score >= cut else "normal"
    audit.record(model.card, scan, threshold=cut, verdict=verdict, overridden=bool(admission.overridden))
    return Row(
        path=path,
        status="ok",
        score=result.score,
        threshold=cut,
        verdict=verdict,
        error=admission.overridden,
        probabilities=result.probabilities if isinstance(result, Prediction) else {},
    )


def judge_bytes(model: Model, data: bytes, name: str) -> inference.Judgement:
    """Read, ask the gate, judge. Raises UnreadableImage or RefusedScan."""
    scan = images.read(data, name)
    return inference.judge(model, scan, admit(model, scan).fields)


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """What the gate let through. overridden: what it said against it, empty when it passed."""

    fields: LungFields | None
    overridden: str = ""


def admit(model: Model, scan: Scan, *, override: bool = False) -> Admission:
    """Ask the gate. Raises RefusedScan unless a person overrides it."""
    fields = lungs.find(scan) if model.card.input.region == "lungs" else None
    try:
        gate.check(scan, model.card, fields)
    except RefusedScan as reason:
        if not override:
            raise
        return Admission(fields, f"Gate overridden. {reason}")
    return Admission(fields)


@dataclass(frozen=True, slots=True)
class FolderEvaluation:
    """A labelled set, measured. report.points holds the card's own threshold; refused and unreadable
    files are left out of it and counted."""

    card: str
    refused: int
    unreadable: int
    report: EvaluationReport


def evaluate_folders(
    model: Model, folder: Path, *, progress: Callable[[Sequence[Path]], Iterable[Path]] = iter
) -> FolderEvaluation:
    """Judge every file below folder/<class>/ and measure against the folders' names.

    Names match the card's labels without regard to case. Raises UnknownName for a folder that is no
    label, NotEnoughLabels when only one class could be read.
    """
    label_of = _labelled(model, folder)
    rows = list(screen(model, progress(list(label_of))))
    judged = [(row.path, row.score) for row in rows if row.score is not None]
    normal = model.card.labels[0]
    report = evaluate(
        folder.name,
        [int(label_of[Path(path)] != normal) for path, _ in judged],
        [score for _, score in judged],
        points={"card": model.card.threshold},
        probabilistic=model.card.kind == "classifier",
    )
    counts = Counter(row.status for row in rows)
    return FolderEvaluation(model.card.id, counts["refused"], counts["unreadable"], report)


def _labelled(model: Model, folder: Path) -> dict[Path, str]:
    labels = model.card.labels
    classes = sorted(path for path in folder.glob("*/") if not path.name.startswith("."))
    strangers = [path.name for path in classes if path.name.lower() not in labels]
    if strangers or not classes:
        found = ", ".join(strangers) or "no folders"
        raise UnknownName(
            f"{folder} holds {found}; {model.card.id} knows the labels {', '.join(labels)}. "
            "Name one folder after each."
        )
    return {file: path.name.lower() for path in classes for file in files([path])}
