"""Many scans, one after the other: each is read, judged and let go."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core import gate, images, inference, lungs
from core.errors import OpacityError, RefusedScan, UnknownName
from core.evaluate import evaluate
from core.inference import Model
from core.types import EvaluationReport, Prediction, Verdict

Status = Literal["ok", "refused", "unreadable"]


@dataclass(frozen=True, slots=True)
class Row:
    """One file's outcome. score and verdict are None unless status is "ok"; error says why not."""

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


def screen(model: Model, paths: Iterable[Path], *, threshold: float | None = None) -> Iterator[Row]:
    """Judge each file in turn; one that cannot be judged gives a row and stops nothing."""
    for path in paths:
        yield judge_file(model, path, threshold=threshold)


def judge_file(model: Model, path: Path, *, threshold: float | None = None) -> Row:
    """One file's row. threshold: the card's own when not given."""
    cut = model.card.threshold if threshold is None else threshold
    name = path.as_posix()
    try:
        result = judge_bytes(model, path.read_bytes(), path.name)
    except RefusedScan as error:
        return Row(name, "refused", error=str(error))
    except OpacityError as error:
        return Row(name, "unreadable", error=str(error))
    except OSError as error:
        return Row(name, "unreadable", error=f"{path.name} cannot be opened: {error.strerror}.")
    return Row(
        path=name,
        status="ok",
        score=result.score,
        threshold=cut,
        verdict="abnormal" if result.score >= cut else "normal",
        probabilities=result.probabilities if isinstance(result, Prediction) else {},
    )


def judge_bytes(model: Model, data: bytes, name: str) -> inference.Judgement:
    """Read, ask the gate, judge. Raises UnreadableImage or RefusedScan."""
    scan = images.read(data, name)
    fields = lungs.find(scan) if model.card.input.region == "lungs" else None
    gate.check(scan, model.card, fields)
    return inference.judge(model, scan, fields)


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
