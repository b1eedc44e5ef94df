"""Validation without abnormal scans: lesions drawn in ways that no detector is trained on.

Detectors are chosen, ranked and combined by their AUROC here, because abnormal scans may not decide it. The
lesions are drawn in other ways than those of chest_lesions, so that a detector trained on
those has no head start: brightened as by more tissue in the beam, or blended from another part of the film.
The normals are shown as they are and under simulated acquisition shift.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Generator, Tensor
from torch.nn import functional as F

from core.anatomy import lungs
from core.detectors import Detector
from core.names import AUROC_DRAWN_LESIONS, auroc_of_lesion
from core.preprocess import stretch
from core.types import InputSpec
from train.data import augment, sources
from train.data.augment import blur, uniform
from train.data.datasets import Case, read_films
from train.data.films import cache_inputs, region_boxes
from train.data.sources import Source
from train.runs import cached, code
from train.synthesis import brain_masks, chest_lesions
from train.synthesis.chest_lesions import Lesion, blobs, clouds


def lobar(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """An even opacity on one side of a slanted edge within one lung."""
    count, _, height, width = x.shape
    columns = torch.arange(width).view(1, 1, 1, -1)
    middle = (mask * columns).sum((1, 2, 3), keepdim=True) / mask.sum((1, 2, 3), keepdim=True).clamp_min(1)
    column = (count, 1, 1, 1)
    side = (columns < middle) == (uniform(generator, column, 0, 1) < 0.5)
    rows = torch.linspace(0, 1, height).view(1, 1, -1, 1)
    slant = uniform(generator, column, -0.5, 0.5) * (columns / width - 0.5)
    edge = uniform(generator, column, 0.35, 0.65) + slant
    below = uniform(generator, column, 0, 1) < 0.6
    field = torch.where(below, rows - edge, edge - rows).mul(18).sigmoid()
    return _veiled(x, mask * side * field * uniform(generator, column, 0.35, 0.8))


def nodular(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Many small soft nodes in some parts of both lungs, as bronchopneumonia has."""
    seeds = torch.rand(x.shape, generator=generator) < 0.006 * clouds(x, generator, cells=4)
    pixel = x.shape[-1] / 224
    nodes = blur(seeds.float(), 3.0 * pixel) + 1.5 * blur(seeds.float(), 6.0 * pixel)
    nodes = nodes / nodes.amax((1, 2, 3), keepdim=True).clamp_min(1e-6)
    return _veiled(x, mask * nodes * uniform(generator, (len(x), 1, 1, 1), 0.3, 0.7))


def basal(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Both lungs veiled, the lower parts more."""
    rows = torch.linspace(0, 1, x.shape[-2]).view(1, 1, -1, 1)
    start = uniform(generator, (len(x), 1, 1, 1), 0.1, 0.5)
    field = ((rows - start) / (1 - start)).clamp(0, 1).sqrt() * (0.6 + 0.4 * clouds(x, generator, cells=4))
    return _veiled(x, mask * field * uniform(generator, (len(x), 1, 1, 1), 0.25, 0.6))


def blended(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """Tissue from the film's own middle moved into a lung, coarse parts blended wider than fine ones.

    Two bands (Burt 1983), so that no seam gives it away.
    """
    place = blobs(x, mask, generator, radius=(0.1, 0.24)) * uniform(generator, (len(x), 1, 1, 1), 0.5, 0.9)
    columns = torch.arange(x.shape[-1]).view(1, 1, 1, -1)
    found = (place * columns).sum((1, 2, 3)) / place.sum((1, 2, 3)).clamp_min(1e-6)
    shifts = (found - x.shape[-1] / 2).round().int().tolist()
    donor = torch.stack([film.roll(shift, -1) for film, shift in zip(x, shifts, strict=True)])
    pixel = x.shape[-1] / 224
    wide, near = blur(place, 5.0 * pixel) * mask, place * mask
    low, donor_low = blur(x, 5.0 * pixel), blur(donor, 5.0 * pixel)
    return low + wide * (donor_low - low) + (1 - near) * (x - low) + near * (donor - donor_low)


def bright_mass(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """A bright lump in a head, as blood and many tumours are."""
    return _lump(x, mask, generator, sign=1)


def dark_mass(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """A dark one, as oedema, cysts and late strokes are."""
    return _lump(x, mask, generator, sign=-1)


def bright_rim(x: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """A bright lens on one side, where the brain would have to give way."""
    reach = (uniform(generator, (len(x), 2), -0.1, 0.1) * x.shape[-1]).round().int().tolist()
    moved = [row.roll((down, right), (-2, -1)) for row, (down, right) in zip(mask, reach, strict=True)]
    lens = mask * (1 - torch.stack(moved))
    return (x + uniform(generator, (len(x), 1, 1, 1), 0.15, 0.4) * lens).clamp(0, 1)


def _lump(x: Tensor, mask: Tensor, generator: Generator, *, sign: float) -> Tensor:
    lump = blobs(x, mask, generator, radius=(0.05, 0.14)) * mask
    return (x + sign * uniform(generator, (len(x), 1, 1, 1), 0.15, 0.4) * lump).clamp(0, 1)


UNSEEN_CHEST_LESIONS: dict[str, Lesion] = {
    "lobar": lobar,
    "nodular": nodular,
    "basal": basal,
    "blended": blended,
}
UNSEEN_HEAD_LESIONS: dict[str, Lesion] = {
    "bright mass": bright_mass,
    "dark mass": dark_mass,
    "bright rim": bright_rim,
}


def _veiled(x: Tensor, amount: Tensor) -> Tensor:
    """Move grey values towards white by that share: brighter and paler, as behind more tissue."""
    bright = torch.quantile(x.flatten(1), 0.95, dim=1).view(-1, 1, 1, 1)
    return x + (bright - x).clamp_min(0) * amount


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLesions:
    """Films (N, 1, H, W), the box looked at in each (N, 4), and what was done to each.

    kind: "normal", "acquisition shift", or the lesion that was drawn.
    """

    films: Tensor
    boxes: Tensor
    kind: tuple[str, ...]


@cache
def drawn_lesions(
    source: Source, cases: tuple[Case, ...], *, split: str, seed: int = 0, runs: Path = Path("runs")
) -> DrawnLesions:
    """The normal scans of a split: as they are, under acquisition shift, and with each kind of lesion.

    source: says which region, and so which lesions.
    cases: of all splits.
    split: the one that is drawn into.
    seed: of shifts and lesions.
    runs: where the result is kept.
    """
    chosen = tuple(case for case in cases if case.split == split and case.label == "normal")

    def draw() -> tuple[Tensor, Tensor, tuple[str, ...]]:
        films, kinds = _draw_lesions(source, read_films(chosen, dtype=torch.float32), seed)
        return films.half(), region_boxes(films, source.region), tuple(kinds)

    ways = list(_lesions(source)), list(augment.ACQUISITION_SHIFTS)
    made_by = code(sys.modules[__name__], chest_lesions, brain_masks, augment)
    known = cache_inputs(chosen, source.region), source.modality, ways, seed, made_by
    return DrawnLesions(*cached("drawn-lesions", known, draw, runs))


def _draw_lesions(source: Source, films: Tensor, seed: int) -> tuple[Tensor, list[str]]:
    generator = Generator().manual_seed(seed)
    films = stretch(films)
    drawn = {"normal": films, "acquisition shift": _acquisition_shifted(films, generator)}
    where = blur(_organ_masks(source, films), 3.0 * films.shape[-1] / 224)
    room = where.amax((1, 2, 3)) > 0.5  # slices of face and neck show no brain to draw into
    films, where = films[room], where[room]
    for kind, lesion in _lesions(source).items():
        pairs = zip(films.split(32), where.split(32), strict=True)
        drawn[kind] = torch.cat([stretch(lesion(x, mask, generator)) for x, mask in pairs])
    kinds = [kind for kind, batch in drawn.items() for _ in batch]
    return torch.cat(list(drawn.values())), kinds


def _lesions(source: Source) -> dict[str, Lesion]:
    return UNSEEN_CHEST_LESIONS if source.region == "lungs" else UNSEEN_HEAD_LESIONS


def _acquisition_shifted(films: Tensor, generator: Generator) -> Tensor:
    """Each film under one of ACQUISITION_SHIFTS, by turns."""
    ways = list(augment.ACQUISITION_SHIFTS.values())
    result = films.clone()
    for turn, change in enumerate(ways):
        result[turn :: len(ways)] = stretch(change(films[turn :: len(ways)], generator))
    return result


def _organ_masks(source: Source, films: Tensor) -> Tensor:
    """(N, 1, H, W) in [0, 1]: the lungs, or the brain."""
    if source.region == "lungs":
        probabilities = torch.cat([lungs.probabilities(part) for part in films.split(64)])[:, None]
        return F.interpolate(probabilities, films.shape[-2:], mode="bilinear")
    return brain_masks.masks_in_films(
        films, region_boxes(films, source.region), bone=source.modality in brain_masks.BRIGHT_BONE_MODALITIES
    )


def lesion_aurocs(network: Detector, drawn: DrawnLesions, spec: InputSpec) -> dict[str, float]:
    """AUROC of each kind of lesion against the normals, as they are and shifted, and their mean.

    network: the detector.
    drawn: what it is shown.
    spec: what it is fed.
    """
    return aurocs_by_lesion(score_films(network, drawn, spec), drawn.kind)


def score_films(network: Detector, drawn: DrawnLesions, spec: InputSpec) -> np.ndarray:
    """(N,), one score per film.

    network: the detector.
    drawn: what it is shown.
    spec: what it is fed.
    """
    with torch.inference_mode():
        batches = sources.batches(drawn.films, drawn.boxes, spec)
        return torch.cat([network.score(x).score for x in batches]).double().numpy()


def aurocs_by_lesion(scores: np.ndarray, kind: Sequence[str]) -> dict[str, float]:
    """scores: (N,), kind: what was done to each scan. The mean over lesions comes first."""
    kinds = np.array(kind)
    normal = scores[np.isin(kinds, ("normal", "acquisition shift"))]
    found = {}
    for name in dict.fromkeys(kinds[~np.isin(kinds, ("normal", "acquisition shift"))].tolist()):
        abnormal = scores[kinds == name]
        truth = np.repeat([0, 1], [len(normal), len(abnormal)])
        found[auroc_of_lesion(name)] = float(roc_auc_score(truth, np.concatenate([normal, abnormal])))
    return {AUROC_DRAWN_LESIONS: float(np.mean(list(found.values()))), **found}
