"""Whether one of two on the same cases is better, and how sure that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm, rankdata

from core.errors import NotEnoughLabels
from core.evaluation.cases import Floats, checked
from core.types import Interval

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


def auc_difference(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> Difference:
    """Of the AUC on the same cases (DeLong 1988, by midranks: Sun & Xu 2014).

    labels: (n,), 0 normal or 1 abnormal, at least two of each.
    first, second: (n,) scores.
    Raises NotEnoughLabels.
    """
    truth, values = checked(labels, first)
    abnormal, normal = _components(np.array([values, checked(labels, second)[1]]), truth)
    low, high = abnormal.mean(axis=1)
    spread = np.cov(abnormal) / abnormal.shape[1] + np.cov(normal) / normal.shape[1]
    return from_spread(float(high - low), float(np.array([-1, 1]) @ spread @ np.array([-1, 1])))


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


def _components(scores: Floats, truth: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Each case's share of the other class on its right side, ties counting half.

    scores: (k, n). Gives (k, abnormal) and (k, normal).
    """
    abnormal, normal = scores[:, truth == 1], scores[:, truth == 0]
    m, n = abnormal.shape[1], normal.shape[1]
    if min(m, n) < 2:
        raise NotEnoughLabels(
            f"A difference of AUCs needs two cases of each class, and there are {n} normal and {m} abnormal."
        )
    ranks = rankdata(np.concatenate([abnormal, normal], axis=1), axis=1)
    above = (ranks[:, :m] - rankdata(abnormal, axis=1)) / n
    below = 1 - (ranks[:, m:] - rankdata(normal, axis=1)) / m
    return above, below
