"""Choose a threshold where cases come in groups: of a patient, of a run of file numbers, of a source.

Labels, scores and thresholds are as in core.evaluation.thresholds, which lists these policies with its own.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtr

from core.errors import NotEnoughLabels, NoUsefulThreshold
from core.evaluation.cases import Floats, Ints, checked, log_odds

_STEPS = 400  # of the scale that a cut is looked for on


def smoothed_youden(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    groups: Sequence[str] | None = None,
    width: float = 0.5,
    resamples: int = 200,
) -> float:
    """Maximise sensitivity + specificity - 1 of blurred scores; the median over resampled groups.

    The Gaussian blur (Fluss 2005) keeps single cases from deciding, the resamples single groups.
    labels, scores: (n,). Probabilities are blurred as logits, other scores in deviations of the normals.
    groups: (n,), equal for cases that belong together; each on its own when None.
    width: of the Gaussian, > 0.
    resamples: draws of groups with replacement; 0 takes the cases as they are.
    Raises NotEnoughLabels on one class, NoUsefulThreshold where no cut beats chance or width is out of range.
    """
    if not 0 < width < math.inf:
        raise NoUsefulThreshold(f"width is {width:g}: choose a number that is above 0, and finite.")
    truth, values = checked(labels, scores)
    if not 0 < truth.sum() < len(truth):
        raise NotEnoughLabels(
            f"Youden's rule needs both classes, and there are {len(truth) - truth.sum()} normal and "
            f"{truth.sum()} abnormal cases: label some of the other, or choose conformal-groups."
        )
    probabilities = bool(values.min() >= 0 and values.max() <= 1)
    deviation = 1.0 if probabilities else float(values[truth == 0].std()) or 1.0
    z = log_odds(values) if probabilities else values / deviation
    cuts = np.linspace(z.min(), z.max(), _STEPS)
    above = ndtr((z[:, None] - cuts) / width)  # (n, cuts)
    gains = [_gain(truth, above, weight) for weight in _draws(truth, _numbered(groups, len(z)), resamples)]
    if float(_gain(truth, above, np.ones(len(z))).max()) <= 0:
        raise NoUsefulThreshold(
            "These scores separate the classes no better than chance. Check that higher scores mean more "
            "abnormal, or choose another policy."
        )
    cut = float(np.median([cuts[int(gain.argmax())] for gain in gains]))
    return float(expit(cut)) if probabilities else cut * deviation


def conformal_groups(
    labels: ArrayLike, scores: ArrayLike, *, groups: Sequence[str] | None = None, alpha: float = 0.1
) -> float:
    """The lowest cut by which a new group has a share of at most alpha false alarms, on average.

    Conformal risk control (Angelopoulos 2022, arXiv:2208.02814) with groups for cases: the mean share over
    the groups, and one unseen group that is all false alarms, stay within alpha. Groups of one case give
    `conformal`.
    labels, scores: (n,); abnormal cases are ignored and may be absent.
    groups: (n,), equal for cases that belong together; each on its own when None.
    alpha: in (0, 1).
    Raises NoUsefulThreshold with too few groups for alpha or alpha out of range.
    """
    if not 0 < alpha < 1:
        raise NoUsefulThreshold(f"alpha is {alpha:g}: choose a number that is between 0 and 1.")
    truth, values = checked(labels, scores)
    place = _numbered(groups, len(values))[truth == 0]
    normals = values[truth == 0]
    _, place, size = np.unique(place, return_inverse=True, return_counts=True)
    allowed = (alpha * (len(size) + 1) - 1) / len(size) if len(size) else -1.0
    if allowed < -1e-9:
        raise NoUsefulThreshold(
            f"conformal-groups at alpha {alpha:g} needs normal cases of at least "
            f"{math.ceil(1 / alpha - 1 - 1e-9)} groups, and there are {len(size)}: label more or raise alpha."
        )
    order = np.argsort(-normals, kind="stable")
    risk = (1 / (len(size) * size[place[order]])).cumsum()
    first_over = int(np.searchsorted(risk, allowed + 1e-9, side="right"))
    # strictly above the first normal that is one too many, and above every tie with it
    return float(np.nextafter(normals[order][first_over], np.inf))


def _numbered(groups: Sequence[str] | None, n: int) -> Ints:
    if groups is None:
        return np.arange(n)
    return np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)


def _draws(truth: Ints, place: Ints, resamples: int) -> list[Floats]:
    """How often each case is drawn, its group with it; a draw without one of the classes is left out."""
    rng = np.random.default_rng(0)
    size = int(place.max()) + 1
    drawn = [rng.multinomial(size, np.full(size, 1 / size))[place].astype(float) for _ in range(resamples)]
    both = [weight for weight in drawn if weight @ truth and weight @ (1 - truth)]
    return both or [np.ones(len(truth))]


def _gain(truth: Ints, above: Floats, weight: Floats) -> Floats:
    """Sensitivity less false-positive rate at each cut. above: (n, cuts). weight: (n,)."""
    abnormal, normal = weight * truth, weight * (1 - truth)
    gain: Floats = abnormal @ above / abnormal.sum() - normal @ above / normal.sum()
    return gain
