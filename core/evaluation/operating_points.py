"""Count what every threshold calls, and keep the thresholds that a person has named.

Labels are 0 (normal) or 1 (abnormal), scores are finite and higher when more abnormal, and a scan is
called abnormal when score >= threshold.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, TypeAdapter, ValidationError

from core.card_types import Card
from core.errors import OpacityError
from core.evaluation.cases import Floats, Ints
from core.evaluation.local_calibration import LocalCalibration
from core.retired import RETIRED
from core.types import Interval

_BLOCK = 50  # resamples held in memory at once


@dataclass(frozen=True, slots=True, eq=False)
class RocBand:
    """Sensitivity that 95 % of resamples reach at a false-positive rate: three arrays of equal length."""

    false_positive_rate: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One labelled set, counted at every threshold that changes anything.

    at: (t,) its distinct scores, falling. true_positives, false_positives: (t,) cases with score >= at.
    digest: changes when any of these does.
    """

    at: Floats
    true_positives: Ints
    false_positives: Ints
    abnormal: int
    normal: int
    auc: float
    auc_interval: Interval
    band: RocBand
    digest: str


def layer(labels: ArrayLike, scores: ArrayLike, *, resamples: int = 200, random_state: int = 0) -> Layer:
    """Count a labelled set at every threshold.

    labels, scores: (n,).
    resamples: bootstrap draws behind the ROC's band.
    random_state: seed of the draws.
    Raises NotEnoughLabels when a class is missing, OpacityError for labels or scores that are none.
    """
    from core.evaluation.binary import auc_interval  # scikit-learn takes long, and most asks are of points

    interval = auc_interval(labels, scores)  # checks both
    truth, values = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=np.float64)
    rising, place = np.unique(values, return_inverse=True)
    place = len(rising) - 1 - place
    size = len(rising)
    hits, alarms = (np.bincount(place[truth == label], minlength=size) for label in (1, 0))
    at, tp, fp = rising[::-1].copy(), hits.cumsum(), alarms.cumsum()
    abnormal, normal = int(tp[-1]), int(fp[-1])
    # ties count half
    outranked = float(alarms @ (tp - hits / 2)) / (abnormal * normal)
    return Layer(
        at=at,
        true_positives=tp,
        false_positives=fp,
        abnormal=abnormal,
        normal=normal,
        auc=outranked,
        auc_interval=interval,
        band=_band(hits, alarms, resamples, random_state),
        digest=hashlib.sha256(b"".join(a.tobytes() for a in (at, tp, fp))).hexdigest()[:16],
    )


def _band(hits: Ints, alarms: Ints, resamples: int, random_state: int) -> RocBand:
    """Percentiles of sensitivity at fixed false-positive rates, over draws within each class.

    hits, alarms: (t,) abnormal and normal cases at each distinct score, falling.
    """
    rng = np.random.default_rng(random_state)
    grid = np.linspace(0, 1, 120) ** 2  # denser where few false alarms are allowed
    abnormal, normal = int(hits.sum()), int(alarms.sum())
    rows = []
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        tp = rng.multinomial(abnormal, hits / abnormal, size).cumsum(axis=1)
        fp = rng.multinomial(normal, alarms / normal, size).cumsum(axis=1)
        for found, raised in zip(tp, fp, strict=True):
            # the last cut that raises no more alarms than allowed; index 0 calls nothing
            cut = np.searchsorted(raised, grid * normal + 1e-9, side="right")
            rows.append(np.concatenate([[0], found])[cut] / abnormal)
    low, high = np.quantile(np.array(rows), [0.025, 0.975], axis=0)
    return RocBand(grid, low, high)


@dataclass(frozen=True, slots=True)
class NamedPoint:
    """A threshold that a person chose and named.

    card, sha256: whose scores it cuts. policy, arguments: how it was chosen ("manual" by hand), on which
    split. upper: end of the band that is referred, None without one. created: ISO 8601, or empty. local: how
    it was set on a place's own scans, if it was.
    """

    name: Annotated[str, Field(min_length=1, max_length=120)]
    card: str
    sha256: str
    policy: str
    split: str
    threshold: Annotated[float, Field(allow_inf_nan=False)]
    arguments: Mapping[str, float] = field(default_factory=dict)
    created: str = ""
    local: LocalCalibration | None = None
    upper: Annotated[float, Field(allow_inf_nan=False)] | None = None


def calibrated(card: Card, found: LocalCalibration, name: str) -> NamedPoint:
    """The operating point of a local calibration.

    card: whose scores were calibrated.
    found: on the place's own scans.
    name: as it will be listed.
    """
    return NamedPoint(
        name=name,
        card=card.id,
        sha256=card.sha256,
        policy="conformal",
        split="local",
        threshold=found.threshold,
        arguments={"alpha": 1 - found.specificity},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        local=found,
    )


_ADAPTER: TypeAdapter[tuple[NamedPoint, ...]] = TypeAdapter(tuple[NamedPoint, ...])


def export(points: Iterable[NamedPoint]) -> str:
    """The points as JSON text, for `read`."""
    return _ADAPTER.dump_json(tuple(points), indent=1).decode() + "\n"


def read(text: str | bytes, card: Card) -> tuple[NamedPoint, ...]:
    """The points of an exported file. Raises OpacityError when it is none, or made for another card."""
    try:
        points = _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise OpacityError(
            f"These are no operating points: {place}: {first['msg']}. Export them again on page Thresholds."
        ) from error
    if not points:
        raise OpacityError("The file holds no operating point: name one before exporting.")
    for name, times in Counter(point.name for point in points).items():
        if times > 1:
            raise OpacityError(f"{times} operating points are named {name!r}: rename all but one.")
    for point in points:
        _require_made_for(card, point)
        if point.upper is not None and point.upper < point.threshold:
            raise OpacityError(
                f"Operating point {point.name!r} refers scans up to {point.upper:g}, below its threshold "
                f"{point.threshold:g}: exchange the two."
            )
    return points


def _require_made_for(card: Card, point: NamedPoint) -> None:
    if point.card != card.id:
        choose = "" if point.card in RETIRED else f"choose {point.card!r}, or "
        raise OpacityError(
            f"Operating point {point.name!r} was made for card {point.card!r}, and scores of {card.id!r} "
            f"mean something else: {choose}make the point again on this card."
        )
    if point.sha256 != card.sha256:
        raise OpacityError(
            f"Operating point {point.name!r} was made for other weights of {card.id!r} (sha256 differs), "
            "whose scores mean something else: make it again on this card's validation scores."
        )
