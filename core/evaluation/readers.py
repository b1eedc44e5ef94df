"""A reader study: the same people on the same cases, first alone, then with a model's help.

Certainty runs from 1, surely normal, to 6, surely abnormal; from 4 on a case is called abnormal.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Annotated, Final

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, TypeAdapter, ValidationError
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score, roc_curve

from core.errors import NotEnoughLabels, OpacityError
from core.evaluation import binary, clustered, comparison
from core.evaluation.cases import Floats, Ints
from core.evaluation.clustered import Rate
from core.evaluation.comparison import Difference
from core.types import Curve, Interval, OperatingPoint

SURE_NORMAL, CALLED, SURE_ABNORMAL = 1, 4, 6
CERTAINTIES_IN_WORDS: Final = (
    "surely normal",
    "probably normal",
    "rather normal",
    "rather abnormal",
    "probably abnormal",
    "surely abnormal",
)
Certainty = Annotated[int, Field(ge=SURE_NORMAL, le=SURE_ABNORMAL)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Reading:
    """One case as one person read it. abnormal: the truth, None where nobody said it. score: the model's.

    alone, helped: certainty. seconds_alone, seconds_helped: until it was given.
    """

    reader: Annotated[str, Field(min_length=1, max_length=60)]
    case: Annotated[str, Field(min_length=1, max_length=260)]
    abnormal: bool | None
    score: Annotated[float, Field(allow_inf_nan=False)]
    alone: Certainty
    helped: Certainty
    seconds_alone: Seconds
    seconds_helped: Seconds


_ROWS: TypeAdapter[tuple[Reading, ...]] = TypeAdapter(tuple[Reading, ...])


def write(readings: Sequence[Reading]) -> str:
    """A CSV for `read`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Reading)], lineterminator="\n")
    writer.writeheader()
    for reading in readings:
        row = asdict(reading)
        writer.writerow(row | {"abnormal": "" if reading.abnormal is None else int(reading.abnormal)})
    return text.getvalue()


def read(data: bytes, name: str) -> tuple[Reading, ...]:
    """The rows of such a file. Raises OpacityError where it is none.

    data: of the file.
    name: of the file, for the message.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
        return _ROWS.validate_python([row | {"abnormal": row.get("abnormal") or None} for row in rows])
    except ValidationError as error:
        first = error.errors()[0]
        place = ", ".join(str(part) for part in first["loc"])
        raise OpacityError(f"{name} is no reader study: row and column {place}: {first['msg']}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise OpacityError(f"{name} is no reader study: export one from the page Screen.") from error


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """What the readers did in one condition: means over readers, rates over all of their readings.

    auc_of: each reader's, with its interval. curve: ROC of each, with a point for every certainty that was
    given, the surest first. seconds: median per case.
    """

    auc: float
    auc_of: dict[str, tuple[float, Interval]]
    curve: dict[str, Curve]
    sensitivity: Rate
    specificity: Rate
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A study's outcome. gain: of the mean AUC by the help. random: whether it holds for other readers too.

    model: its AUC on these cases with the interval, and its ROC. point: at its threshold.

    hurt, mended: readings that the help made wrong, or right. left_out: cases that not every reader read, or
    without a label.
    """

    readers: tuple[str, ...]
    cases: int
    abnormal: int
    left_out: int
    alone: Arm
    helped: Arm
    model: tuple[float, Interval, Curve]
    point: OperatingPoint
    gain: Difference
    random: bool
    hurt: tuple[Reading, ...]
    mended: tuple[Reading, ...]


def result(readings: Sequence[Reading], threshold: float) -> Result:
    """The study over the labelled cases that every reader read.

    readings: of all readers.
    threshold: the model's, on its scores.
    Raises NotEnoughLabels, two of each class at least, and OpacityError where the files contradict each
    other.
    """
    readers = tuple(dict.fromkeys(reading.reader for reading in readings))
    rows = _common(readings, readers)
    flat = [reading for row in rows for reading in row]
    truth = np.array([bool(reading.abnormal) for reading in rows[0]], dtype=np.int64)
    alone, helped = (
        np.array([[getattr(reading, name) for reading in row] for row in rows], dtype=np.float64)
        for name in ("alone", "helped")
    )
    was, now = ((certainty >= CALLED) == truth for certainty in (alone, helped))
    turned = list(zip(flat, was.ravel(), now.ravel(), strict=True))
    score = np.array([reading.score for reading in rows[0]])
    return Result(
        readers=readers,
        cases=len(truth),
        abnormal=int(truth.sum()),
        left_out=len({reading.case for reading in readings}) - len(truth),
        alone=_arm(truth, alone, readers, [reading.seconds_alone for reading in flat]),
        helped=_arm(truth, helped, readers, [reading.seconds_helped for reading in flat]),
        model=(float(roc_auc_score(truth, score)), binary.auc_interval(truth, score), _curve(truth, score)),
        point=binary.operating_point(truth, score, threshold),
        gain=gain(truth, alone, helped),
        random=len(readers) > 1,
        hurt=tuple(one for one, before, after in turned if before and not after),
        mended=tuple(one for one, before, after in turned if after and not before),
    )


def _common(readings: Sequence[Reading], readers: Sequence[str]) -> list[list[Reading]]:
    """Each reader's readings of the labelled cases that all of them read, in one order."""
    known = {(reading.reader, reading.case): reading for reading in readings if reading.abnormal is not None}
    cases = dict.fromkeys(reading.case for reading in readings)
    common = [case for case in cases if all((who, case) in known for who in readers)]
    for case in common:
        if len({known[who, case].abnormal for who in readers}) > 1:
            raise OpacityError(f"The files differ on whether {case} is abnormal: correct one of them.")
    abnormal = sum(bool(known[readers[0], case].abnormal) for case in common)
    if min(abnormal, len(common) - abnormal) < 2:
        raise NotEnoughLabels(
            f"A reader study needs two normal and two abnormal cases with labels, and there are "
            f"{len(common) - abnormal} and {abnormal}."
        )
    return [[known[who, case] for case in common] for who in readers]


def _arm(truth: Ints, certainty: Floats, readers: Sequence[str], seconds: Sequence[float]) -> Arm:
    """certainty: (readers, cases)."""
    aucs = {who: float(roc_auc_score(truth, row)) for who, row in zip(readers, certainty, strict=True)}
    called = certainty >= CALLED
    rates = []
    for label in (1, 0):
        hits = (called == truth)[:, truth == label]
        cases = [str(case) for _ in readers for case in range(hits.shape[1])]
        rates.append(clustered.rate(hits.ravel(), cases))
    sensitivity, specificity = rates
    assert sensitivity is not None
    assert specificity is not None
    return Arm(
        auc=float(np.mean(list(aucs.values()))),
        auc_of={
            who: (aucs[who], binary.auc_interval(truth, row))
            for who, row in zip(readers, certainty, strict=True)
        },
        curve={who: _curve(truth, row) for who, row in zip(readers, certainty, strict=True)},
        sensitivity=sensitivity,
        specificity=specificity,
        seconds=median(seconds),
    )


def _curve(truth: Ints, values: Floats) -> Curve:
    fpr, tpr, _ = roc_curve(truth, values, drop_intermediate=False)
    return Curve(tuple(fpr.tolist()), tuple(tpr.tolist()))


@dataclass(frozen=True, slots=True)
class Covariances:
    """Of AUCs over draws of cases, as Obuchowski and Rockette (1995) name them.

    error: variance of one. cov1: one reader, two conditions. cov2: two readers, one condition. cov3: both
    differ.
    """

    error: float
    cov1: float
    cov2: float
    cov3: float


def gain(labels: ArrayLike, alone: ArrayLike, helped: ArrayLike) -> Difference:
    """Of the mean AUC by the help: readers and cases random, or for one reader by DeLong, cases random.

    labels: (n,).
    alone, helped: (readers, n) certainties.
    """
    truth = np.asarray(labels, dtype=np.int64)
    both = np.stack([np.asarray(alone, dtype=np.float64), np.asarray(helped, dtype=np.float64)])
    if both.shape[1] == 1:
        return comparison.auc_difference(truth, both[0, 0], both[1, 0])
    return obuchowski_rockette(_aucs(truth, both), covariances(truth, both))


def obuchowski_rockette(aucs: Floats, known: Covariances) -> Difference:
    """Second condition less first, for readers and cases like these (Obuchowski & Rockette 1995, Commun Stat
    Simul 24:285), with the degrees of freedom of Hillis (2007, Stat Med 26:596).

    aucs: (2, readers), two readers at least.
    """
    readers = aucs.shape[1]
    interaction = aucs - aucs.mean(axis=1, keepdims=True) - aucs.mean(axis=0) + aucs.mean()
    mean_square = float((interaction**2).sum() / (readers - 1))
    spread = mean_square + readers * max(known.cov2 - known.cov3, 0.0)
    value = float(aucs[1].mean() - aucs[0].mean())
    if spread < 1e-18:
        return comparison.from_spread(value, 0.0)
    error = float(np.sqrt(2 / readers * spread))
    # without interaction the degrees of freedom have no bound
    degrees = spread**2 / (mean_square**2 / (readers - 1)) if mean_square > 1e-18 else np.inf
    half = float(student.ppf(0.975, degrees)) * error
    p = 2 * float(student.sf(abs(value) / error, degrees))
    return Difference(value, (max(value - half, -1.0), min(value + half, 1.0)), p)


def covariances(labels: ArrayLike, certainty: Floats) -> Covariances:
    """By the jackknife over cases. certainty: (2, readers, n)."""
    truth = np.asarray(labels, dtype=np.int64)
    n, readers = len(truth), certainty.shape[1]
    kept = [np.arange(n) != case for case in range(n)]
    left = np.array([_aucs(truth[keep], certainty[..., keep]).ravel() for keep in kept])
    spread = (np.cov(left.T, bias=True) * (n - 1)).reshape(2, readers, 2, readers)
    same = np.eye(readers, dtype=bool)
    within = np.stack([spread[0, :, 0], spread[1, :, 1]])
    return Covariances(
        error=float(within[:, same].mean()),
        cov1=float(spread[0, :, 1][same].mean()),
        cov2=float(within[:, ~same].mean()),
        cov3=float(spread[0, :, 1][~same].mean()),
    )


def _aucs(truth: Ints, certainty: Floats) -> Floats:
    return np.array([[roc_auc_score(truth, row) for row in arm] for arm in certainty])
