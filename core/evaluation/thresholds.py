"""Choose the score from which a scan is called abnormal.

Labels are 0 (normal) or 1 (abnormal), scores are finite and higher when more abnormal, and a scan is
called abnormal when score >= threshold. Every policy returns a finite number. Policies that state a target
or a price return the cut that meets it, even where that cut calls every case the same.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_curve

from core.card_types import Policy
from core.errors import NotEnoughLabels, NoUsefulThreshold, UnknownName
from core.evaluation.cases import checked
from core.evaluation.group_thresholds import conformal_groups, smoothed_youden

# scores.csv keeps six significant digits, so a written score is off by at most 5e-6 of itself
_ROUNDING = 1e-5


def youden(labels: ArrayLike, scores: ArrayLike) -> float:
    """Maximise sensitivity + specificity - 1 (Youden 1950); the higher of equally good cuts.

    labels, scores: (n,). Raises NoUsefulThreshold where no cut beats chance, NotEnoughLabels on one class.
    """
    cuts = _cuts(labels, scores)
    # in whole numbers: as rates, equally good cuts would differ by rounding
    gain = cuts.tp * cuts.normal - cuts.fp * cuts.abnormal
    best = int(np.argmax(gain))
    if gain[best] <= 0:
        raise NoUsefulThreshold(
            "Youden's rule needs a threshold with sensitivity + specificity above 1, and these scores have "
            "none: they separate the classes no better than chance. Check that higher scores mean more "
            "abnormal, or choose another policy."
        )
    return _place(cuts, best)


def f1(labels: ArrayLike, scores: ArrayLike) -> float:
    """Maximise F1, the harmonic mean of precision and sensitivity; the higher of equally good cuts.

    labels, scores: (n,). With scores that tell little, the best F1 calls every case abnormal.
    Raises NotEnoughLabels on one class.
    """
    cuts = _cuts(labels, scores)
    # 2tp + fp + fn = tp + fp + abnormal
    return _place(cuts, int(np.argmax(2 * cuts.tp / (cuts.tp + cuts.fp + cuts.abnormal))))


def mean_k_std(labels: ArrayLike, scores: ArrayLike, *, k: float = 1.0) -> float:
    """Mean of the normals' scores plus k population standard deviations (ddof 0).

    labels, scores: (n,); abnormal cases are ignored and may be absent.
    k: >= 0.
    Raises NotEnoughLabels under two normals, NoUsefulThreshold where the normals do not vary or k is out of
    range.
    """
    _require("k", k, within=0 <= k < math.inf, rule="0 or more, and finite")
    normals = _normals(labels, scores)
    if len(normals) < 2:
        raise NotEnoughLabels(
            f"mean-k-std needs at least two normal cases, and there are {len(normals)}: label more."
        )
    if np.ptp(normals) == 0:
        raise NoUsefulThreshold(
            f"mean-k-std needs normals that vary, and all {len(normals)} score {normals[0]:g}. "
            "Choose another policy."
        )
    return float(normals.mean() + k * normals.std())


def target_sensitivity(labels: ArrayLike, scores: ArrayLike, *, target: float = 0.95) -> float:
    """The highest cut whose sensitivity reaches the target; at worst it calls every case abnormal.

    labels, scores: (n,).
    target: in (0, 1].
    Raises NotEnoughLabels on one class, NoUsefulThreshold on a target out of range.
    """
    _require("target", target, within=0 < target <= 1, rule="above 0 and at most 1")
    cuts = _cuts(labels, scores)
    return _place(cuts, int(np.flatnonzero(cuts.tp / cuts.abnormal >= target)[0]))


def target_specificity(labels: ArrayLike, scores: ArrayLike, *, target: float = 0.95) -> float:
    """The lowest cut whose specificity reaches the target; at worst it calls every case normal.

    labels, scores: (n,).
    target: in (0, 1].
    Raises NotEnoughLabels on one class, NoUsefulThreshold on a target out of range.
    """
    _require("target", target, within=0 < target <= 1, rule="above 0 and at most 1")
    cuts = _cuts(labels, scores)
    return _place(cuts, int(np.flatnonzero((cuts.normal - cuts.fp) / cuts.normal >= target)[-1]))


def cost(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    missed_cost: float = 5.0,
    false_alarm_cost: float = 1.0,
    prevalence: float = 0.1,
) -> float:
    """Minimise the expected cost per scan; the higher of equally cheap cuts.

    prevalence * (1 - sensitivity) * missed_cost + (1 - prevalence) * (1 - specificity) * false_alarm_cost.
    labels, scores: (n,).
    missed_cost, false_alarm_cost: > 0, in any one unit.
    prevalence: share of abnormal scans where the threshold will be used, in (0, 1).
    Raises NotEnoughLabels on one class, NoUsefulThreshold on arguments out of range.
    """
    for name, price in (("missed_cost", missed_cost), ("false_alarm_cost", false_alarm_cost)):
        _require(name, price, within=0 < price < math.inf, rule="above 0, and finite")
    _require("prevalence", prevalence, within=0 < prevalence < 1, rule="between 0 and 1")
    cuts = _cuts(labels, scores)
    # in fractions of the numbers as they are written: as floats, equally cheap cuts would differ by rounding
    share, dear, cheap = (Fraction(repr(float(x))) for x in (prevalence, missed_cost, false_alarm_cost))
    ratio = share * dear * cuts.normal / ((1 - share) * cheap * cuts.abnormal)  # of a miss to an alarm
    missed, alarms = (cuts.abnormal - cuts.tp).tolist(), cuts.fp.tolist()
    costs = [ratio.numerator * m + ratio.denominator * a for m, a in zip(missed, alarms, strict=True)]
    return _place(cuts, costs.index(min(costs)))


def conformal(labels: ArrayLike, scores: ArrayLike, *, alpha: float = 0.1) -> float:
    """Just above the ceil((n + 1)(1 - alpha))-th smallest of the n normals' scores.

    A new normal exchangeable with these is called abnormal with probability alpha at most, at any n
    (Vovk 2005; Bates 2023, arXiv:2104.08279).
    labels, scores: (n,); abnormal cases are ignored and may be absent.
    alpha: in (0, 1).
    Raises NoUsefulThreshold with too few normals for alpha or alpha out of range.
    """
    _require("alpha", alpha, within=0 < alpha < 1, rule="between 0 and 1")
    normals = _normals(labels, scores)
    # the small number keeps a product such as 9.000000000000002 from asking for one normal too many
    rank = math.ceil((len(normals) + 1) * (1 - alpha) - 1e-9)
    if rank > len(normals):
        raise NoUsefulThreshold(
            f"A conformal threshold at alpha {alpha:g} needs at least {math.ceil(1 / alpha - 1 - 1e-9)} "
            f"normal cases, and there are {len(normals)}: label more, or raise alpha."
        )
    # the guarantee is for scores strictly above the quantile, but >= would flag the quantile itself
    # and every tie with it; the next float up turns >= into >
    return float(np.nextafter(np.sort(normals)[rank - 1], np.inf))


POLICIES: dict[str, Callable[..., float]] = {
    "youden": youden,
    "f1": f1,
    "mean-k-std": mean_k_std,
    "target-sensitivity": target_sensitivity,
    "target-specificity": target_specificity,
    "cost": cost,
    "conformal": conformal,
    "smoothed-youden": smoothed_youden,
    "conformal-groups": conformal_groups,
}


def choose(
    policy: Policy, labels: ArrayLike, scores: ArrayLike, *, groups: Sequence[str] | None = None
) -> float:
    """Threshold of a named policy with its arguments.

    policy: a name in POLICIES, with arguments.
    labels, scores: (n,).
    groups: (n,), equal for cases that belong together, for the policies that ask; each on its own when None.
    Raises UnknownName for a policy or an argument that does not exist, and what the policy itself raises.
    """
    if policy.name not in POLICIES:
        raise UnknownName(f"No threshold policy {policy.name!r}. Choose from: {', '.join(POLICIES)}.")
    rule = POLICIES[policy.name]
    parameters = inspect.signature(rule).parameters
    known = [name for name in parameters if name not in ("labels", "scores", "groups")]
    for name in policy.arguments:
        if name not in known:
            choices = f"Choose from: {', '.join(known)}." if known else "It takes none: leave it out."
            raise UnknownName(f"Threshold policy {policy.name!r} has no argument {name!r}. {choices}")
    grouped = {"groups": groups} if "groups" in parameters else {}
    return rule(labels, scores, **grouped, **policy.arguments)


@dataclass(frozen=True, slots=True, eq=False)
class _Cuts:
    """Every distinct way to part the cases: tp, fp of `score >= at`, at falling from inf (calls none)."""

    at: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    abnormal: int
    normal: int


def _cuts(labels: ArrayLike, scores: ArrayLike) -> _Cuts:
    truth, values = checked(labels, scores)
    abnormal = int(truth.sum())
    normal = len(truth) - abnormal
    if not abnormal or not normal:
        raise NotEnoughLabels(
            f"This threshold policy needs both classes, and there are {normal} normal and {abnormal} "
            "abnormal cases: label some of the other, or choose mean-k-std or conformal."
        )
    fpr, tpr, at = roc_curve(truth, values, pos_label=1, drop_intermediate=False)
    tp, fp = (np.rint(rate * n).astype(np.int64) for rate, n in ((tpr, abnormal), (fpr, normal)))
    return _Cuts(at, tp, fp, abnormal, normal)


def _place(cuts: _Cuts, index: int) -> float:
    """A threshold that parts the cases as the cut does, away from any score where there is room.

    Midway to the next lower score, because a score exactly at the threshold would change sides with the last
    bit of another machine's arithmetic, or when rounded to six digits. The two ends have only one neighbour:
    there it lies just outside the scores, by more than that rounding.
    """
    if index == 0:
        highest = cuts.at[1]
        return float(np.nextafter(highest + _ROUNDING * abs(highest), np.inf))
    score = cuts.at[index]
    if index == len(cuts.at) - 1:
        return float(score - _ROUNDING * abs(score))
    lower = cuts.at[index + 1]
    middle = lower + (score - lower) / 2
    # between neighbouring floats the middle rounds to one of them, and the lower would join the called
    return float(middle if middle > lower else score)


def _normals(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    truth, values = checked(labels, scores)
    normals: NDArray[np.float64] = values[truth == 0]
    return normals


def _require(name: str, value: float, *, within: bool, rule: str) -> None:
    if not within:
        raise NoUsefulThreshold(f"{name} is {value:g}: choose a number that is {rule}.")
