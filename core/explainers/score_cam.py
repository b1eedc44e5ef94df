"""Score-CAM: what the network says when it sees through one feature map at a time."""

import torch
from torch import Tensor
from torch.nn import functional as F

from core.explainers.batched import Progress, laid_out, logits, require_positive
from core.models.base import Classifier

CHANNELS = 32
BATCH = 8  # more spills out of the cache
ALIKE = 0.1  # root mean square difference from which on two masks tell little about each other


def score_cam(
    model: Classifier,
    x: Tensor,
    target: int,
    *,
    channels: int = CHANNELS,
    batch: int = BATCH,
    half: bool = False,
    progress: Progress | None = None,
) -> Tensor:
    """Weight feature maps by the logit of the film seen through each (Wang 2020, arXiv:1910.01279).

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    channels: maps of the highest energy (sum of squares) that are tried; each other one counts with the
        logits of those it resembles, which comes close to trying all.
    batch: films per pass.
    half: features of the masked films in bfloat16, faster where the processor has it.
    progress: called with the share done.
    Returns (h, w) >= 0 on the feature grid, in weighted activation. Raises ValueError for counts below 1.
    """
    require_positive(channels=channels, batch=batch)
    swift = model if half else laid_out(model)
    with torch.no_grad():
        maps = model.features(x)[0]
        maps = maps[maps.square().sum((1, 2)).argsort(descending=True, stable=True)]
        tried = min(channels, len(maps))
        strengths = torch.empty(tried)
        for start in range(0, tried, batch):
            few = maps[start : min(start + batch, tried)]
            seen = x * _as_masks(few, x.shape[-2:])
            strengths[start : start + len(few)] = logits(swift, seen, target, half=half)
            if progress:
                progress((start + len(few)) / tried)
        weights = torch.cat([strengths, resembled(maps, strengths)]).softmax(0)
        return (weights[:, None, None] * maps).sum(0).relu()


def resembled(maps: Tensor, tried: Tensor) -> Tensor:
    """Logits of the maps that were not tried, from those that were: nearer masks count more, by a Gaussian.

    maps: (C, h, w), the first k tried. tried: (k,). Returns (C - k,).
    """
    flat = maps.flatten(1)
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    masks = (flat - low) / (high - low + 1e-8)
    apart = torch.cdist(masks[len(tried) :], masks[: len(tried)]) / flat.shape[1] ** 0.5
    guessed: Tensor = (-(apart / ALIKE).square() / 2).softmax(1) @ tried
    return guessed


def _as_masks(maps: Tensor, size: torch.Size) -> Tensor:
    """(k, h, w) -> (k, 1, H, W), each stretched to [0, 1]."""
    fine = F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=True)
    low, high = fine.amin((2, 3), keepdim=True), fine.amax((2, 3), keepdim=True)
    return (fine - low) / (high - low + 1e-8)
