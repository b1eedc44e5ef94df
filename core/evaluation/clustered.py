"""Intervals of 95 % for cases that come in groups, such as films of one patient.

Groups are independent, cases in one are not. Where every case is its own group these are the usual intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from core.evaluation import binary
from core.evaluation.cases import Floats, Ints, checked
from core.types import Interval

_Z = float(norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of n cases with its interval."""

    value: float
    interval: Interval
    n: int


def rate(hits: ArrayLike, groups: Sequence[str]) -> Rate | None:
    """The share of hits, None without cases. hits: (n,) bool. groups: (n,), as for `share_interval`."""
    values = np.asarray(hits, dtype=bool)
    if not len(values):
        return None
    return Rate(float(values.mean()), share_interval(values, groups), len(values))


def auc_interval(labels: ArrayLike, scores: ArrayLike, groups: Sequence[str]) -> Interval:
    """Of the AUC, by DeLong's components summed over groups (Obuchowski 1997), on the logit scale.

    labels, scores: (n,).
    groups: (n,), equal for cases that belong together.
    At perfect separation, or with one group, it is the interval of single cases. Raises NotEnoughLabels when
    a class is missing.
    """
    single = binary.auc_interval(labels, scores)
    truth, values = checked(labels, scores)
    parts = components(values, truth)
    auc = float(parts[truth == 1].mean())
    spread = variance((parts - auc) / np.bincount(truth)[truth], groups)
    if spread < 1e-18 or not 0 < auc < 1:
        return single
    half = _Z * np.sqrt(spread) / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def components(scores: Floats, truth: Ints) -> Floats:
    """Each case's share of the other class on its right side, ties counting half (DeLong 1988, by midranks:
    Sun & Xu 2014).

    scores: (..., n).
    truth: (n,) of 0 and 1, both there.
    Returns the shape of scores; the mean over either class is the AUC.
    """
    parts = np.empty(scores.shape)
    whole = rankdata(scores, axis=-1)
    for label in (0, 1):
        own = truth == label
        below = (whole[..., own] - rankdata(scores[..., own], axis=-1)) / (~own).sum()
        parts[..., own] = below if label else 1 - below
    return parts


def share_interval(hits: ArrayLike, groups: Sequence[str]) -> Interval:
    """Of a share, by Wilson's formula with as many cases as the groups are worth (Kish 1965).

    hits: (n,) bool, n >= 1.
    groups: (n,), equal for cases that belong together.
    """
    values = np.asarray(hits, dtype=np.float64)
    n, share = len(values), float(values.mean())
    single = share * (1 - share) / n
    worth = n / max(1.0, variance((values - share) / n, groups) / single) if single else float(n)
    middle = (share + _Z**2 / (2 * worth)) / (1 + _Z**2 / worth)
    half = _Z / (1 + _Z**2 / worth) * np.sqrt(share * (1 - share) / worth + _Z**2 / (4 * worth**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def variance(parts: Floats, groups: Sequence[str]) -> float:
    """Of the sum of parts that have mean 0; parts: (n,)."""
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(place, weights=parts)
    return float((sums**2).sum() * len(sums) / (len(sums) - 1)) if len(sums) > 1 else 0.0
