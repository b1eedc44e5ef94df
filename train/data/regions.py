"""Where lungs or heads lie in aligned normal scans."""

import torch
from torch import Tensor
from torch.nn import functional as F

from core.anatomy import lungs
from core.models.backbones import SIDE
from core.preprocess import stretch
from core.resample import crop
from train.data.sources import Normals, Source


def place_weights(source: Source, normals: Normals, films: int = 200) -> Tensor:
    """How much each place counts: the mean lungs of aligned training films, or where scans are not black.

    source: says which region.
    normals: the split train.
    films: how many are averaged.
    Returns (h, w).
    """
    batch, boxes = normals.films["train"][:films].float(), normals.boxes["train"][:films]
    if source.region == "lungs":
        return aligned_lungs(batch, boxes).mean((0, 1))
    return (stretch(crop(batch, boxes, SIDE)) > 0.1).float().mean((0, 1))


def aligned_lungs(films: Tensor, boxes: Tensor) -> Tensor:
    """(N, 1, SIDE, SIDE) in [0, 1], aligned."""
    probabilities = torch.cat([lungs.probabilities(part) for part in films.split(64)])[:, None]
    return crop(F.interpolate(probabilities, films.shape[-2:], mode="bilinear"), boxes, SIDE)
