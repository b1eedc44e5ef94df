"""Does a heat map lie where the disease is? Its figures, and maps that know nothing of the film to beat."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import center_of_mass
from sklearn.metrics import average_precision_score

from core.card_types import Localisation
from core.types import FloatArray, Interval

Mask = NDArray[np.bool_]
Word = Literal["useful", "weak", "ignore"]

EVEN, MEAN_OUTLINE, CENTRE = "even heat", "mean outline", "centre"
BASELINES = (EVEN, MEAN_OUTLINE, CENTRE)
CUTS = 50  # tried between the median and the hottest place
RESAMPLES = 2000


def pointing_game(heat: FloatArray, outline: Mask) -> float:
    """Whether the hottest place lies in the outline (Zhang 2016, arXiv:1608.00507); ties count by share.

    Both (H, W).
    """
    return float(outline[heat == heat.max()].mean())


def energy_inside(heat: FloatArray, outline: Mask) -> float:
    """Share of the heat inside the outline (Wang 2020, arXiv:1910.01279); 0 for a cold map. Both (H, W)."""
    total = float(heat.sum())
    return float(heat[outline].sum()) / total if total > 0 else 0.0


def average_precision(heat: FloatArray, outline: Mask) -> float:
    """Of the places, those inside the outline being the ones to find. Both (H, W)."""
    return float(average_precision_score(outline.ravel(), heat.ravel()))


def overlaps(heat: FloatArray, outline: Mask, cuts: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of the outline and what is at least as hot as each cut.

    heat, outline: (H, W).
    cuts: (K,), in the map's own unit.
    Returns (K,).
    """
    hot, inside = (len(v) - np.searchsorted(np.sort(v), cuts) for v in (heat.ravel(), heat[outline]))
    return np.asarray(inside / (outline.sum() + hot - inside))


def best_cut(heats: Sequence[FloatArray], outlines: Sequence[Mask]) -> float:
    """The one cut for all films with the largest mean overlap. heats, outlines: (H, W) each."""
    cuts = np.unique(np.quantile(np.stack(heats), np.linspace(0.5, 1, CUTS), method="nearest"))
    mean = np.mean([overlaps(*pair, cuts) for pair in zip(heats, outlines, strict=True)], axis=0)
    return float(cuts[mean.argmax()])


def centre(region: Mask) -> FloatArray:
    """1 at the middle of the region, falling with the distance to 0 in the farthest corner. (H, W)."""
    rows, columns = np.indices(region.shape)
    middle = center_of_mass(region) if region.any() else np.array(region.shape) / 2
    distance = np.hypot(rows - middle[0], columns - middle[1])
    nearness: FloatArray = (1 - distance / distance.max()).astype(np.float32)
    return nearness


def mean_of_others(outlines: Sequence[Mask]) -> FloatArray:
    """For each film the mean outline of all others. outlines: (h, w) each, in the frame of the film's region.

    Returns (N, h, w).
    """
    stacked = np.stack(outlines).astype(np.float32)
    return np.asarray((stacked.sum(0) - stacked) / (len(stacked) - 1))


def compare(
    choosing: Sequence[tuple[FloatArray, Mask]], reported: Sequence[tuple[FloatArray, Mask]]
) -> Localisation:
    """One kind of map on films of which some choose and others are reported.

    choosing, reported: heat and outline of each film, (H, W) each. The cut of the overlap is of `choosing`.
    """
    cut = best_cut(*zip(*choosing, strict=True))
    seen = np.array([_figures(*pair, cut) for pair in choosing])
    rows = np.array([_figures(*pair, cut) for pair in reported])
    pointing, energy, precision, overlap = rows.mean(0).round(4).tolist()
    return Localisation(
        n=len(rows),
        pointing=pointing,
        pointing_interval=interval(rows[:, 0]),
        energy=energy,
        average_precision=precision,
        average_precision_interval=interval(rows[:, 2]),
        overlap=overlap,
        overlap_interval=interval(rows[:, 3]),
        chosen_on=len(seen),
        choice=round(float(seen[:, [0, 2]].mean()), 4),
    )


def _figures(heat: FloatArray, outline: Mask, cut: float) -> tuple[float, float, float, float]:
    return (
        pointing_game(heat, outline),
        energy_inside(heat, outline),
        average_precision(heat, outline),
        float(overlaps(heat, outline, [cut])[0]),
    )


def interval(values: NDArray[np.float64]) -> Interval:
    """95 % of the mean, by bootstrap over films; the same for the same values. values: (N,)."""
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975]).round(4).tolist()
    return low, high


def word(tables: Mapping[str, Mapping[str, Localisation]], name: str) -> Word | None:
    """What a map is worth for finding disease; None where it was not measured.

    tables: per set of outlined films, the maps and baselines by name. name: of the map.
    Useful: on every set its hottest place and its order of places both beat all baselines, the order beyond
    its interval. Ignore: on no set does either beat them. Weak: all else.
    """
    words = {_word(table, table[name]) for table in tables.values() if name in table}
    if not words:
        return None
    return words.pop() if len(words) == 1 else "weak"


def _word(table: Mapping[str, Localisation], row: Localisation) -> Word:
    known = [table[name] for name in BASELINES]
    pointing = max(other.pointing for other in known)
    precision = max(other.average_precision for other in known)
    if row.pointing > pointing and row.average_precision_interval[0] > precision:
        return "useful"
    return "weak" if row.pointing > pointing or row.average_precision > precision else "ignore"
