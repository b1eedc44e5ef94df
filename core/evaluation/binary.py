"""Measure how well scores tell abnormal from normal, and how sure that figure is.

Labels are 0 (normal) or 1 (abnormal), scores are finite and higher when more abnormal, and a scan is
called abnormal when score >= threshold. Intervals are 95 %.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from scipy.stats import binomtest, norm, rankdata
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from core.errors import NotEnoughLabels, OpacityError
from core.evaluation.cases import Floats, Ints, checked
from core.types import Curve, EvaluationReport, Interval, OperatingPoint, is_abnormal

_Z = float(norm.ppf(0.975))
_BLOCK = 100  # resamples held in memory at once
_ROUNDING = 1e-6  # a sum of probabilities in single precision may exceed 1 by less


def evaluate(
    split: str,
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    points: Mapping[str, float] = MappingProxyType({}),
    probabilistic: bool,
) -> EvaluationReport:
    """Everything a card says of one split. Raises NotEnoughLabels when a class is missing.

    split: its name.
    labels, scores: (n,).
    points: threshold per policy name.
    probabilistic: scores are P(abnormal), so that brier and ece mean something.
    Curves run from left to right, thinned to 200 points.
    """
    truth, values = _both_classes(labels, scores)
    fpr, tpr, _ = roc_curve(truth, values)
    precision, recall, _ = precision_recall_curve(truth, values, drop_intermediate=True)
    return EvaluationReport(
        split=split,
        n=len(truth),
        abnormal=int(truth.sum()),
        auc=float(roc_auc_score(truth, values)),
        auc_interval=auc_interval(truth, values),
        auc_bootstrap=auc_bootstrap(truth, values),
        average_precision=float(average_precision_score(truth, values)),
        brier=brier(truth, values) if probabilistic else None,
        ece=expected_calibration_error(truth, values) if probabilistic else None,
        roc=thin(fpr, tpr),
        precision_recall=thin(recall[::-1], precision[::-1]),
        points=tuple(operating_point(truth, values, at, policy) for policy, at in points.items()),
    )


def operating_point(
    labels: ArrayLike, scores: ArrayLike, threshold: float, policy: str = "manual"
) -> OperatingPoint:
    """What one threshold costs, with Wilson intervals. Raises NotEnoughLabels when a class is missing.

    labels, scores: (n,).
    threshold: on the scores.
    policy: that chose it.
    """
    truth, values = _both_classes(labels, scores)
    called = is_abnormal(values, threshold)
    tp, fp = int(np.sum(called & (truth == 1))), int(np.sum(called & (truth == 0)))
    fn, tn = int(truth.sum()) - tp, int((1 - truth).sum()) - fp
    return OperatingPoint(
        policy=policy,
        threshold=float(threshold),
        true_positives=tp,
        false_positives=fp,
        true_negatives=tn,
        false_negatives=fn,
        accuracy=(tp + tn) / len(truth),
        sensitivity=tp / (tp + fn),
        specificity=tn / (tn + fp),
        ppv=tp / (tp + fp) if tp + fp else None,
        npv=tn / (tn + fn) if tn + fn else None,
        f1=2 * tp / (2 * tp + fp + fn),
        accuracy_interval=wilson(tp + tn, len(truth)),
        sensitivity_interval=wilson(tp, tp + fn),
        specificity_interval=wilson(tn, tn + fp),
    )


def curve_at(labels: ArrayLike, scores: ArrayLike, thresholds: ArrayLike) -> dict[str, Floats]:
    """Rates at many thresholds: "precision", "recall", "specificity" and "f1", each shaped as thresholds.

    labels, scores: (n,).
    thresholds: (t,), in any order.
    NaN where a rate has no denominator.
    """
    truth, values = checked(labels, scores)
    at = np.asarray(thresholds, dtype=np.float64)
    abnormal, normal = np.sort(values[truth == 1]), np.sort(values[truth == 0])
    # side="left" counts the scores strictly below, so that a score at the threshold is called abnormal
    fn, tn = np.searchsorted(abnormal, at, side="left"), np.searchsorted(normal, at, side="left")
    tp, fp = len(abnormal) - fn, len(normal) - tn
    return {
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
    }


def auc_interval(labels: ArrayLike, scores: ArrayLike) -> Interval:
    """Interval of the AUC from DeLong's variance (1988), by midranks (Sun & Xu 2014), on the logit scale.

    The logit keeps the interval inside [0, 1] and, for a high AUC, nearer to its 95 % than a symmetric one.
    Where the variance is zero or undefined (perfect separation, all scores tied, one case in a class) DeLong
    would claim certainty from a handful of cases. There it is the wider Wilson interval of a proportion as
    high as the AUC, among as many cases as the smaller class has. labels, scores: (n,).
    Raises NotEnoughLabels when a class is missing.
    """
    truth, values = _both_classes(labels, scores)
    abnormal, normal = values[truth == 1], values[truth == 0]
    m, n = len(abnormal), len(normal)
    ranks = rankdata(np.concatenate([abnormal, normal]))
    # each case's share of the other class on its right side, ties counting half
    above = (ranks[:m] - rankdata(abnormal)) / n
    below = 1 - (ranks[m:] - rankdata(normal)) / m
    auc = float(above.mean())
    variance = above.var(ddof=1) / m + below.var(ddof=1) / n if min(m, n) > 1 else 0.0
    if variance < 1e-18 or not 0 < auc < 1:
        return wilson(round(auc * min(m, n)), min(m, n))
    logit = np.log(auc / (1 - auc))
    half = _Z * np.sqrt(variance) / (auc * (1 - auc))
    return float(expit(logit - half)), float(expit(logit + half))


def auc_bootstrap(
    labels: ArrayLike, scores: ArrayLike, *, resamples: int = 1000, random_state: int = 0
) -> Interval:
    """Percentile interval of the AUC over resamples drawn with replacement within each class.

    labels, scores: (n,).
    resamples: how many.
    random_state: seed of the draws.
    Perfect separation gives (1, 1): a resample knows no case beyond those seen. Raises NotEnoughLabels when a
    class is missing.
    """
    truth, values = _both_classes(labels, scores)
    rng = np.random.default_rng(random_state)
    # how often each distinct score is drawn says all that the AUC needs: no sorting per resample
    _, place = np.unique(values, return_inverse=True)
    counts = [np.bincount(place[truth == label], minlength=place.max() + 1) for label in (0, 1)]
    n, m = (int(count.sum()) for count in counts)
    aucs = []
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        normal = rng.multinomial(n, counts[0] / n, size)
        abnormal = rng.multinomial(m, counts[1] / m, size)
        outranked = normal.cumsum(axis=1) - normal / 2  # (size, distinct), ties counting half
        aucs.append((abnormal * outranked).sum(axis=1) / (m * n))
    low, high = np.quantile(np.concatenate(aucs), [0.025, 0.975])
    return float(low), float(high)


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of P(abnormal) from the label (Brier 1950); 0 is best.

    labels, probabilities: (n,). Raises OpacityError for values outside [0, 1].
    """
    truth, values = _probabilities(labels, probabilities)
    return float(brier_score_loss(truth, values, pos_label=1))


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = 15) -> float:
    """Mean gap between P(abnormal) and the share of abnormal cases, over equal-width bins (Guo 2017).

    labels, probabilities: (n,).
    bins: as in `calibration_curve`.
    Raises OpacityError for values outside [0, 1].
    """
    truth, values = _probabilities(labels, probabilities)
    where = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], values)
    # per bin, cases / n * |mean p - mean label| is |sum of p - label| / n
    return float(np.abs(np.bincount(where, weights=values - truth)).sum() / len(truth))


def calibration_curve(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = 10
) -> tuple[list[float], list[float]]:
    """Mean probability and share abnormal per equal-width bin that holds any case, by scikit-learn.

    labels, probabilities: (n,).
    bins: how many; each holds its upper edge.
    Raises OpacityError for probabilities outside [0, 1].
    """
    from sklearn.calibration import calibration_curve as by_scikit_learn  # brings much that no other needs

    truth, predicted = _probabilities(labels, probabilities)
    share, mean = by_scikit_learn(truth, predicted, pos_label=1, n_bins=bins)
    return mean.tolist(), share.tolist()


def thin(x: ArrayLike, y: ArrayLike, at_most: int = 200) -> Curve:
    """A polyline with fewer points, evenly picked from its own, both ends kept.

    x, y: (n,), equally long.
    at_most: points that are left, >= 2.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(xs) > at_most:
        keep = np.linspace(0, len(xs) - 1, at_most).round().astype(int)
        xs, ys = xs[keep], ys[keep]
    return Curve(x=tuple(xs.tolist()), y=tuple(ys.tolist()))


def roc_band(curve: Curve, normal: int, abnormal: int) -> Curve:
    """The region around an empirical ROC that both rates' 95 % Wilson intervals span, cut by cut.

    curve: 1 - specificity and sensitivity at each cut, from 0 to 1.
    normal, abnormal: cases of each class.
    Returns its outline: above through the better ends of both intervals, back below through the worse ones.
    """
    alarms = [wilson(round(x * normal), normal) for x in curve.x]
    found = [wilson(round(y * abnormal), abnormal) for y in curve.y]
    above = [(alarm[0], hit[1]) for alarm, hit in zip(alarms, found, strict=True)]
    below = [(alarm[1], hit[0]) for alarm, hit in zip(alarms, found, strict=True)]
    xs, ys = zip(*above, *reversed(below), strict=True)
    return Curve(xs, ys)


def wilson(hits: int, n: int) -> Interval:
    """Interval of a share, hits of n (Wilson 1927). n: at least 1."""
    interval = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _ratio(part: Ints, whole: Ints) -> Floats:
    ratio = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _both_classes(labels: ArrayLike, scores: ArrayLike) -> tuple[Ints, Floats]:
    truth, values = checked(labels, scores)
    abnormal = int(truth.sum())
    if abnormal in (0, len(truth)):
        raise NotEnoughLabels(
            f"An evaluation needs normal and abnormal cases, and there are {len(truth) - abnormal} normal "
            f"and {abnormal} abnormal: label some of the other."
        )
    return truth, values


def _probabilities(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Ints, Floats]:
    truth, values = checked(labels, probabilities)
    if not len(values):
        raise NotEnoughLabels("Calibration needs at least one labelled case: there is none.")
    if values.min() < -_ROUNDING or values.max() > 1 + _ROUNDING:
        raise OpacityError(
            f"Scores from {values.min():g} to {values.max():g} are no probabilities, which lie in [0, 1]: "
            "evaluate them with probabilistic=False."
        )
    return truth, values.clip(0, 1)
