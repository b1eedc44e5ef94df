"""How well outlines do: chosen on validation scans, measured on scans held out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.anatomy import shapes
from core.anatomy.outlines import marked
from core.evaluation.clustered import share_interval
from core.evaluation.localisation import mean_of_others
from core.types import FloatArray

THRESHOLDS = tuple(round(0.2 + 0.05 * step, 2) for step in range(13))
SMALLEST = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016)
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a network makes of scans. found, truth: (H, W) each of a scan with a lesion. normal: without."""

    found: Sequence[FloatArray]
    truth: Sequence[Mask]
    normal: Sequence[FloatArray]


def choose(seen: Seen, *, unmarked: float) -> tuple[float, float]:
    """The threshold and the smallest mark of the highest Dice, where enough normal scans stay unmarked.

    seen: validation scans.
    unmarked: the share of normal ones; where none reaches it, the most are left unmarked.
    """
    pairs = [(threshold, smallest) for threshold in THRESHOLDS for smallest in SMALLEST]
    tried = [(*_clean_and_dice(seen, *pair), pair) for pair in pairs]
    enough = [(score, pair) for clean, score, pair in tried if clean >= unmarked]
    return max(enough)[1] if enough else max(tried)[2]


def _clean_and_dice(seen: Seen, threshold: float, smallest: float) -> tuple[float, float]:
    clean = [not marked(one, threshold, smallest).any() for one in seen.normal]
    found = [marked(one, threshold, smallest) for one in seen.found]
    return float(np.mean(clean)), float(np.mean(list(map(dice, found, seen.truth))))


def dice(found: Mask, truth: Mask) -> float:
    """Twice the shared area over the sum of both, (H, W) each; 1 where both are empty."""
    both = found.sum() + truth.sum()
    return float(2 * (found & truth).sum() / both) if both else 1.0


def measure(seen: Seen, threshold: float, smallest: float) -> Mapping[str, float]:
    """All figures of a card's report, with intervals of 95 % by scan.

    seen: scans of one split.
    threshold, smallest: of the card.
    """
    found = [marked(one, threshold, smallest) for one in seen.found]
    scores = list(map(dice, found, seen.truth))
    hits, scan_of = _lesions(found, seen.truth)
    false = [len(shapes.islands(marked(one, threshold, smallest))[1]) for one in seen.normal]
    clean = np.array(false) == 0
    return {
        "n": float(len(scores)),
        **_with_interval("dice", float(np.mean(scores)), _mean_interval(scores)),
        "dice_median": float(np.median(scores)),
        "lesions": float(len(hits)),
        **_with_interval("sensitivity_per_lesion", float(np.mean(hits)), share_interval(hits, scan_of)),
        "normal_scans": float(len(false)),
        **_with_interval("false_marks_per_normal_scan", float(np.mean(false)), _mean_interval(false)),
        **_with_interval(
            "normal_scans_unmarked",
            float(clean.mean()),
            share_interval(clean, [str(scan) for scan in range(len(clean))]),
        ),
    }


def mean_outline(truth: Sequence[Mask]) -> float:
    """Dice of the best cut of the other scans' mean outline: what a network must beat. All of one shape."""
    others = mean_of_others(truth)
    return max(float(np.mean(list(map(dice, others >= cut, truth)))) for cut in np.arange(0.05, 0.7, 0.05))


def _lesions(found: Sequence[Mask], truth: Sequence[Mask]) -> tuple[NDArray[np.bool_], list[str]]:
    """Of every true island, whether any of it is marked, and its scan."""
    hits, scan_of = [], []
    for scan, (mask, there) in enumerate(zip(found, truth, strict=True)):
        labels, areas = shapes.islands(there)
        hits += [bool(mask[labels == island + 1].any()) for island in range(len(areas))]
        scan_of += [str(scan)] * len(areas)
    return np.array(hits), scan_of


def _mean_interval(values: Sequence[float]) -> tuple[float, float]:
    drawn = stats.bootstrap(
        (np.asarray(values, dtype=float),), np.mean, n_resamples=2000, method="percentile", rng=0
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def _with_interval(name: str, value: float, interval: tuple[float, float]) -> dict[str, float]:
    return {name: value, f"{name}_low": interval[0], f"{name}_high": interval[1]}
