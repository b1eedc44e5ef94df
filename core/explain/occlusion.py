"""Occlusion: what the network loses when a window is covered."""

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from core.detectors.base import Detector
from core.explain.passes import Progress, at_least_one, blur, logits
from core.models.base import Classifier

WINDOW, STRIDE = 32, 16
BATCH = 8  # more spills out of the cache


def occlusion(
    model: Classifier,
    x: Tensor,
    target: int,
    *,
    window: int = WINDOW,
    stride: int = STRIDE,
    baseline: float = 0.0,
    batch: int = BATCH,
    half: bool = False,
    progress: Progress | None = None,
) -> Tensor:
    """The logit lost, on average, over the windows that cover a place (Zeiler 2014, arXiv:1311.2901).

    x: (1, C, H, W), normalised. window, stride: pixels of x. baseline: what covers, 0 is the mean grey.
    half: features in bfloat16, twice as fast where the processor has it, with nearly the same ranks.
    Returns (H, W) >= 0, in logits. Raises ValueError for sizes that leave places uncovered.
    """
    cover = torch.full_like(x, baseline)
    return _lost(
        lambda films: logits(model, films, target, half=half), x, cover, window, stride, batch, progress
    )


def score_occlusion(
    detector: Detector,
    x: Tensor,
    *,
    window: int = WINDOW,
    stride: int = STRIDE,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Tensor:
    """The anomaly score lost, on average, over the windows that cover a place with a blurred film.

    For detectors: their own map shows where a film is unlike normal, this one what the score came from.
    x: (1, C, H, W), normalised. Returns (H, W) >= 0, in units of the score. Raises ValueError as occlusion.
    """

    def score(films: Tensor) -> Tensor:
        with torch.no_grad():
            return detector.score(films).score

    return _lost(score, x, blur(x), window, stride, batch, progress)


def _lost(
    score: Callable[[Tensor], Tensor],
    x: Tensor,
    cover: Tensor,
    window: int,
    stride: int,
    batch: int,
    progress: Progress | None,
) -> Tensor:
    """(H, W): what the score loses while windows of x show the cover instead."""
    at_least_one(window=window, stride=stride, batch=batch)
    height, width = x.shape[-2:]
    if not stride <= window <= min(height, width):
        raise ValueError(
            f"A window of {window} at stride {stride} does not cover {height} x {width} pixels: "
            f"give stride <= window <= {min(height, width)}."
        )
    corners = list(product(_starts(height, window, stride), _starts(width, window, stride)))
    places = [(slice(top, top + window), slice(left, left + window)) for top, left in corners]
    lost, covered = torch.zeros(2, height, width)
    whole = score(x)
    for start in range(0, len(places), batch):
        few = places[start : start + batch]
        hidden = x.repeat(len(few), 1, 1, 1)
        for film, (rows, columns) in zip(hidden, few, strict=True):
            film[:, rows, columns] = cover[0, :, rows, columns]
        for drop, (rows, columns) in zip(whole - score(hidden), few, strict=True):
            lost[rows, columns] += drop
            covered[rows, columns] += 1
        if progress:
            progress((start + len(few)) / len(places))
    mean: Tensor = lost / covered
    return mean.relu()


def _starts(length: int, window: int, stride: int) -> range:
    """Where windows begin; the last one may reach over the edge, and is cut there."""
    return range(0, length - window + stride, stride)
