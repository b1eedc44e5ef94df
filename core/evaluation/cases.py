"""Labels and scores of labelled cases, checked once for every measure."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import NotEnoughLabels, OpacityError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EDGE = 1e-6  # probabilities nearer to 0 or 1 than the six digits of scores.csv tell have no logit


def checked(labels: ArrayLike, scores: ArrayLike) -> tuple[Ints, Floats]:
    """labels: (n,) of 0 and 1. scores: (n,), finite. Raises OpacityError for any others."""
    truth, values = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != values.shape:
        raise OpacityError(f"{truth.size} labels for {values.size} scores: each case needs one of both.")
    if not np.isin(truth, (0, 1)).all():
        raise OpacityError("Labels must be 0 (normal) or 1 (abnormal): correct the others or leave them out.")
    if not np.isfinite(values).all():
        raise OpacityError("A score is infinite or not a number: leave that case out.")
    return truth.astype(np.int64), values


def log_odds(probabilities: ArrayLike) -> Floats:
    """The logit of each, finite at 0 and 1 too. probabilities: in [0, 1]."""
    from scipy.special import logit  # where it is needed: it takes long

    found: Floats = logit(np.clip(probabilities, _EDGE, 1 - _EDGE))
    return found


def percentile_among(scores_of_normals: ArrayLike, score: float) -> float:
    """Share of normals below a score, in [0, 1]; a normal with the same score counts half (mid-rank).

    scores_of_normals: (n,). Raises NotEnoughLabels without any.
    """
    normals = np.asarray(scores_of_normals, dtype=np.float64)
    if not normals.size:
        raise NotEnoughLabels("A percentile among normals needs at least one normal case: there is none.")
    return float(np.mean(normals < score) + np.mean(normals == score) / 2)
