"""Set a threshold on the scans of the place where it will be used.

A threshold chosen elsewhere keeps its specificity only where normal scans score as they did there. Twenty
normals of one's own say more about that than thousands of another hospital's.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import NotEnoughLabels, NoUsefulThreshold
from core.evaluation.cases import Floats, checked
from core.evaluation.group_thresholds import conformal_groups
from core.types import Interval, is_abnormal

MIN_NORMALS = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """What a threshold does on the local scans. Sensitivity is None without abnormal ones. 95 % Wilson."""

    threshold: float
    specificity: float
    specificity_interval: Interval
    sensitivity: float | None = None
    sensitivity_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class LocalCalibration:
    """A threshold set on local normals, for an operating point's file.

    specificity: asked for, kept on average over places like this one. normals, patients, abnormal: how many,
    patients among the normals. rank: the threshold lies just above the rank-th lowest of the normals' scores.
    threshold_interval: 95 %, bootstrap over patients. expected: where the specificity on further scans lies
    in nine of ten such calibrations. normal_scores, abnormal_scores: quartiles. before: the card's own
    threshold. after: this one, on the scans that set it.
    """

    specificity: float
    normals: int
    patients: int
    abnormal: int
    rank: int
    threshold_interval: Interval
    expected: Interval
    normal_scores: tuple[float, float, float]
    abnormal_scores: tuple[float, float, float] | None
    before: Kept
    after: Kept

    @property
    def threshold(self) -> float:
        return self.after.threshold


def calibrate(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: ArrayLike,
    *,
    specificity: float,
    card_threshold: float,
    resamples: int = 1000,
    random_state: int = 0,
) -> LocalCalibration:
    """The policy conformal-groups with patients for groups: it needs patients like the next ones, no more.

    Of one scan each, the threshold is the ceil((n + 1) * specificity)-th lowest score, and the specificity on
    further scans follows a beta distribution about what was asked (Vovk 2012, arXiv:1209.2673).

    labels, scores: (n,), of the place's own scans; abnormal ones are measured and choose nothing.
    patients: (n,), who each scan is of.
    specificity: in (0, 1).
    card_threshold: the one to compare with.
    resamples: bootstrap draws behind the threshold's interval.
    random_state: seed of the draws.
    Raises NotEnoughLabels under MIN_NORMALS patients with normals, or fewer than the specificity needs;
    NoUsefulThreshold for a specificity that is none.
    """
    truth, values = checked(labels, scores)
    if not 0 < specificity < 1:
        raise NoUsefulThreshold(f"specificity is {specificity:g}: choose a number that is between 0 and 1.")
    names = np.asarray(patients)
    groups = [values[(truth == 0) & (names == name)] for name in np.unique(names[truth == 0])]
    needed = max(MIN_NORMALS, math.ceil(specificity / (1 - specificity) - 1e-9))
    if len(groups) < needed:
        raise NotEnoughLabels(
            f"A threshold for a specificity of {specificity:g} needs normal scans of {needed} patients or "
            f"more, and there are {len(groups)}: add some"
            + (", or ask for less." if needed > MIN_NORMALS else ".")
        )
    threshold = _threshold(groups, 1 - specificity)
    normals, abnormal = values[truth == 0], values[truth == 1]
    place = math.ceil((len(groups) + 1) * specificity - 1e-9)
    from scipy.stats import beta  # where it is needed: it takes long

    low, high = beta.ppf([0.05, 0.95], place, len(groups) + 1 - place)
    return LocalCalibration(
        specificity=specificity,
        normals=len(normals),
        patients=len(groups),
        abnormal=len(abnormal),
        rank=int(np.sum(normals < threshold)),
        threshold_interval=_bootstrap(groups, 1 - specificity, resamples, random_state),
        expected=(float(low), float(high)),
        normal_scores=_quartiles(normals),
        abnormal_scores=_quartiles(abnormal) if len(abnormal) else None,
        before=_kept(normals, abnormal, card_threshold),
        after=_kept(normals, abnormal, threshold),
    )


def in_words(found: LocalCalibration, tr: Callable[[str], str] = str) -> list[str]:
    """What was found, a sentence each.

    found: the new threshold and what it rests on.
    tr: puts a sentence into the reader's language.
    """
    normal, low, high = _spread(found.normal_scores, tr), *found.threshold_interval
    sick = tr("no abnormal ones")
    if found.abnormal_scores:
        sick = tr("{count} abnormal ones").format(count=found.abnormal) + _spread(found.abnormal_scores, tr)
    return [
        tr("{normals} normal scans of {patients} patients{scores}").format(
            normals=found.normals, patients=found.patients, scores=normal
        )
        + f"; {sick}.",
        tr(
            "Threshold {threshold:.4g} (95 % bootstrap over patients {low:.4g} to {high:.4g}), just above "
            "the {rank} lowest of {normals} normals."
        ).format(threshold=found.threshold, low=low, high=high, rank=found.rank, normals=found.normals),
        tr(
            "It spares {specificity:.0%} of further patients like these or more, on average over such "
            "calibrations; with {patients} patients between {low:.0%} and {high:.0%} in nine of ten."
        ).format(
            specificity=found.specificity,
            patients=found.patients,
            low=found.expected[0],
            high=found.expected[1],
        ),
        tr("Before, threshold {threshold:.4g}: {kept} on these scans.").format(
            threshold=found.before.threshold, kept=kept_in_words(found.before, tr)
        ),
        tr("After, threshold {threshold:.4g}: {kept} on these scans.").format(
            threshold=found.after.threshold, kept=kept_in_words(found.after, tr)
        ),
    ]


def kept_in_words(kept: Kept, tr: Callable[[str], str] = str) -> str:
    """Specificity and, where it is known, sensitivity, with their intervals.

    kept: what a threshold does.
    tr: puts a word into the reader's language.
    """
    parts = {
        tr("specificity"): (kept.specificity, kept.specificity_interval),
        tr("sensitivity"): (kept.sensitivity, kept.sensitivity_interval),
    }
    return ", ".join(
        f"{name} {value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"
        for name, (value, interval) in parts.items()
        if value is not None and interval is not None
    )


def _spread(quartiles: tuple[float, float, float], tr: Callable[[str], str]) -> str:
    low, middle, high = quartiles
    words = tr(", median score {middle:.3g}, half of them between {low:.3g} and {high:.3g}")
    return words.format(low=low, middle=middle, high=high)


def _bootstrap(groups: Sequence[Floats], alpha: float, resamples: int, random_state: int) -> Interval:
    """95 % of the thresholds of patients drawn with replacement. groups: each patient's normal scores."""
    draws = np.random.default_rng(random_state).integers(0, len(groups), (resamples, len(groups)))
    found = [_threshold([groups[place] for place in draw], alpha) for draw in draws]
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _threshold(groups: Sequence[Floats], alpha: float) -> float:
    scores = np.concatenate(groups)
    patients = [str(place) for place, own in enumerate(groups) for _ in own]
    return conformal_groups(np.zeros(len(scores)), scores, groups=patients, alpha=alpha)


def _quartiles(scores: Floats) -> tuple[float, float, float]:
    low, middle, high = np.quantile(scores, [0.25, 0.5, 0.75]).tolist()
    return low, middle, high


def _kept(normals: Floats, abnormal: Floats, threshold: float) -> Kept:
    spared, found = (int(np.sum(is_abnormal(scores, threshold))) for scores in (normals, abnormal))
    spared = len(normals) - spared
    from core.evaluation.binary import wilson  # where it is needed: scikit-learn takes long

    specific = (spared / len(normals), wilson(spared, len(normals)))
    if not len(abnormal):
        return Kept(threshold, *specific)
    return Kept(threshold, *specific, found / len(abnormal), wilson(found, len(abnormal)))
