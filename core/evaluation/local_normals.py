"""Move a detector's idea of normal to another place: mean, deviation and threshold from its own normals."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike

from core.card_types import Card
from core.errors import NotEnoughLabels, OpacityError
from core.evaluation.local_calibration import MIN_NORMALS
from core.evaluation.operating_points import NamedPoint
from core.types import is_abnormal

MOST = 200  # normal scans: more is a training set


def adapted(card: Card, scores: ArrayLike) -> NamedPoint:
    """The card's policy, mean and k deviations, on normal scans of the place itself.

    card: of a detector whose threshold is set by mean-k-std.
    scores: (n,), of MIN_NORMALS to MOST normal scans.
    Raises OpacityError for another kind of card, NotEnoughLabels for too few scans or too many.
    """
    values = np.asarray(scores, dtype=np.float64)
    if card.kind != "detector" or card.policy.name != "mean-k-std":
        raise OpacityError(f"{card.id} is no detector with mean and deviation: choose one, see: cards.")
    if not MIN_NORMALS <= len(values) <= MOST:
        raise NotEnoughLabels(
            f"{len(values)} normal scans could be judged: {MIN_NORMALS} to {MOST} move a detector's mean."
        )
    k = float(card.policy.arguments["k"])
    mean, std = float(values.mean()), float(values.std())
    return NamedPoint(
        name=f"normals of this place ({len(values)})",
        card=card.id,
        sha256=card.sha256,
        policy=card.policy.name,
        split="local normals",
        threshold=mean + k * std,
        arguments={"k": k, "mean": mean, "std": std, "n": len(values)},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def specificities(
    scores: ArrayLike,
    patients: Sequence[str],
    *,
    count: int,
    k: float = 1.0,
    draws: int = 1000,
    random_state: int = 0,
) -> np.ndarray:
    """What `count` local normals buy: specificity on the scans of all other patients, once per draw.

    scores: (n,), of normal scans of one place.
    patients: (n,), who each scan is of.
    count: patients drawn, one scan of each, to set the threshold.
    k: deviations above the mean.
    draws: how often patients are drawn.
    random_state: seed of the draws.
    Returns (draws,). Raises NotEnoughLabels where no patient is left to be measured on.
    """
    values, who = np.asarray(scores, dtype=np.float64), np.asarray(patients)
    names, first = np.unique(who, return_index=True)
    if count >= len(names):
        raise NotEnoughLabels(f"There are {len(names)} patients: draw fewer than that, not {count}.")
    rng = np.random.default_rng(random_state)
    found = []
    for _ in range(draws):
        drawn = rng.choice(len(names), count, replace=False)
        local = values[first[drawn]]
        others = values[~np.isin(who, names[drawn])]
        found.append(1 - float(np.mean(is_abnormal(others, local.mean() + k * local.std()))))
    return np.array(found)
