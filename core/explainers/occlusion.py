"""Occlusion: what the network loses when a window is covered."""

from functools import partial
from itertools import product

import torch
from torch import Tensor

from core import precision
from core.explainers.batched import Progress, laid_out, logits, require_positive
from core.explainers.receptive_field import Windowed
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

    model: with the cut between features and head.
    x: (1, C, H, W), normalised.
    target: index of the class.
    window, stride: pixels of x.
    baseline: what covers; 0 is the mean grey.
    batch: films per pass.
    half: features in bfloat16, twice as fast where the processor has it, with nearly the same ranks.
    progress: called with the share done.
    Returns (H, W) >= 0, in logits. Raises ValueError for sizes that leave places uncovered.
    """
    require_positive(window=window, stride=stride, batch=batch)
    height, width = x.shape[-2:]
    if not stride <= window <= min(height, width):
        raise ValueError(
            f"A window of {window} at stride {stride} does not cover {height} x {width} pixels: "
            f"give stride <= window <= {min(height, width)}."
        )
    x = x.contiguous(memory_format=torch.channels_last)  # faster in batches
    swift = model if half else laid_out(model)
    with torch.no_grad(), precision.half("cpu", wanted=half):
        windowed = Windowed(model, x, window, swift)
    corners = list(product(_starts(height, window, stride), _starts(width, window, stride)))
    lost, covered = torch.zeros(2, height, width)
    whole = logits(swift, x, target, half=half)
    for start in range(0, len(corners), batch):
        few = corners[start : start + batch]
        places = [(slice(top, top + window), slice(left, left + window)) for top, left in few]
        hidden = x.repeat(len(few), 1, 1, 1)
        for film, (rows, columns) in zip(hidden, places, strict=True):
            film[:, rows, columns] = baseline
        seen = logits(swift, hidden, target, half=half, features=partial(windowed.features, corners=few))
        for drop, (rows, columns) in zip(whole - seen, places, strict=True):
            lost[rows, columns] += drop
            covered[rows, columns] += 1
        if progress:
            progress((start + len(few)) / len(corners))
    mean: Tensor = lost / covered
    return mean.relu()


def _starts(length: int, window: int, stride: int) -> range:
    """Where windows begin; the last one may reach over the edge, and is cut there."""
    return range(0, length - window + stride, stride)
