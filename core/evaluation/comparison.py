"""Whether one of two on the same cases is better, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score, roc_curve

from core.errors import NotEnoughLabels
from core.evaluation import binary, clustered
from core.evaluation.cases import checked
from core.types import Curve, Interval, is_abnormal

_Z = float(norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Difference:
    """Second less first. interval: 95 %. p: two-sided, of no difference; 1 where nothing tells them apart."""

    value: float
    interval: Interval
    p: float


@dataclass(frozen=True, slots=True)
class Discordance:
    """Cases on which one of two verdicts alone is right. p: exact McNemar, two-sided."""

    first_alone: int
    second_alone: int
    p: float


def auc_difference(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, *, groups: Sequence[str] | None = None
) -> Difference:
    """Of the AUC on the same cases (DeLong 1988).

    labels: (n,), 0 normal or 1 abnormal, at least two of each.
    first, second: (n,) scores.
    groups: (n,), equal for cases that belong together (Obuchowski 1997); each its own when None.
    Raises NotEnoughLabels.
    """
    truth, values = checked(labels, first)
    normal, abnormal = np.bincount(truth, minlength=2).tolist()
    if min(normal, abnormal) < 2:
        raise NotEnoughLabels(
            f"A difference of AUCs needs two cases of each class, and there are {normal} normal and "
            f"{abnormal} abnormal."
        )
    gains = np.diff(clustered.components(np.array([values, checked(labels, second)[1]]), truth), axis=0)[0]
    value = float(gains[truth == 1].mean())
    if groups is None:
        return from_spread(
            value, sum(float(gains[truth == k].var(ddof=1) / (truth == k).sum()) for k in (0, 1))
        )
    return from_spread(value, clustered.variance((gains - value) / np.bincount(truth)[truth], groups))


def from_spread(value: float, variance: float) -> Difference:
    """A difference with the interval and p-value of a normal variable. variance: >= 0 but for rounding."""
    half = _Z * float(np.sqrt(max(variance, 0.0)))
    p = 2 * float(norm.sf(_Z * abs(value) / half)) if half > 1e-9 else float(value == 0)
    return Difference(value, (max(value - half, -1.0), min(value + half, 1.0)), p)


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> Discordance:
    """Whether one verdict is right more often than the other on the same cases.

    first_right, second_right: (n,) bool.
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    alone = int((first & ~second).sum()), int((second & ~first).sum())
    return Discordance(*alone, float(binomtest(alone[0], sum(alone)).pvalue) if sum(alone) else 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two classifiers on the cases that both were tested on; auc and curve of the first and of the second.

    verdicts: each at its own threshold.
    """

    n: int
    abnormal: int
    auc: tuple[float, float]
    curve: tuple[Curve, Curve]
    difference: Difference
    verdicts: Discordance


def compare(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    thresholds: tuple[float, float],
    groups: Sequence[str],
) -> Comparison:
    """Both on the same cases. Raises NotEnoughLabels.

    labels: (n,), 0 normal or 1 abnormal.
    first, second: (n,) scores.
    thresholds: of the first and of the second.
    groups: (n,), equal for cases of one patient.
    """
    truth, values = checked(labels, first)
    both = (values, checked(labels, second)[1])
    right = [is_abnormal(each, at) == truth.astype(bool) for each, at in zip(both, thresholds, strict=True)]
    curves = [roc_curve(truth, each)[:2] for each in both]
    return Comparison(
        n=len(truth),
        abnormal=int(truth.sum()),
        auc=(float(roc_auc_score(truth, both[0])), float(roc_auc_score(truth, both[1]))),
        curve=(binary.thin(*curves[0]), binary.thin(*curves[1])),
        difference=auc_difference(truth, *both, groups=groups),
        verdicts=mcnemar(*right),
    )
