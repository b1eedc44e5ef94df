"""An opacity is dense and dull: brighter than lungs are, and poorer in ribs and vessels."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FittedDetector
from core.detectors.blocks import ErrorStandardiser

GRID = 56  # places per side
SCALES = 3  # of detail: 1, 2 and 4 pixels
LEAST = 1e-4  # of detail, before its log is taken


class LungOpacity(FittedDetector):
    """No network and no drawn lesions: brightness less detail of 4 pixels, in `rows` x 2 parts of the lungs.

    score: that of the worst part, each in standard deviations of normals. The finest detail is left out:
    blur takes it away as well. map: the same at each place, in standard deviations of held-out normals.
    """

    def __init__(self, *, size: int = 224, rows: int = 3) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("parts", torch.full((2 * rows, GRID, GRID), 1 / GRID**2))
        self.register_buffer("mean", torch.zeros(2, 2 * rows))
        self.register_buffer("std", torch.ones(2, 2 * rows))
        self.register_buffer("usual_sum", torch.stack([torch.zeros(2 * rows), torch.ones(2 * rows)]))
        self.usual_brightness, self.usual_dullness = ErrorStandardiser(GRID), ErrorStandardiser(GRID)
        self.parts: Tensor
        self.mean: Tensor
        self.std: Tensor
        self.usual_sum: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0, how much each place matters: the mean lungs of normal films."""
        self.parts.copy_(parts_of(weight, len(self.parts) // 2))

    def fit(self, batches: Iterable[Tensor]) -> None:
        signs = torch.cat([self._signs(places_of(x)) for x in batches])  # (N, 2, parts)
        self.mean.copy_(signs.mean(0))
        self.std.copy_(signs.std(0))
        both = ((signs - self.mean) / self.std).sum(1)
        self.usual_sum.copy_(torch.stack([both.mean(0), both.std(0)]))

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        seen = [places_of(x) for x in batches]
        self.usual_brightness.fit(places[:, 0] for places in seen)
        self.usual_dullness.fit(smoothness(places) for places in seen)

    def score(self, x: Tensor) -> DetectorOutput:
        places = places_of(x)
        both = ((self._signs(places) - self.mean) / self.std).sum(1)
        mean, std = self.usual_sum
        deviation = self.usual_brightness(places[:, 0]) + self.usual_dullness(smoothness(places))
        lung = self.parts.sum(0) > 0.3 * self.parts.sum(0).max()
        return DetectorOutput(((both - mean) / std).amax(1), (deviation / 2).clamp_min(0) * lung, None)

    def _signs(self, places: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 2, parts): brightness, and minus the log of the coarsest detail."""
        seen = torch.einsum("nchw,phw->ncp", places[:, [0, -1]], self.parts)
        return torch.stack([seen[:, 0], -(seen[:, 1] + LEAST).log()], dim=1)


def parts_of(weight: Tensor, rows: int) -> Tensor:
    """(h, w) >= 0 -> (2 rows, GRID, GRID): rows with equal shares of the weight, each left and right."""
    weight = F.adaptive_avg_pool2d(weight[None, None], GRID)[0, 0]
    depth = (weight.sum(1).cumsum(0) / weight.sum() * rows).ceil().clamp(1, rows)[:, None]
    left = (torch.arange(GRID) < GRID // 2)[None, :]
    masks = [(depth == row + 1) * side for row in range(rows) for side in (left, ~left)]
    parts = torch.stack([weight * mask for mask in masks])
    return parts / parts.sum((1, 2), keepdim=True)


def places_of(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 1 + SCALES, GRID, GRID): brightness, then differences from neighbours."""
    grey = x.mean(1, keepdim=True)
    maps = [F.adaptive_avg_pool2d(grey, GRID)]
    for scale in range(SCALES):
        coarse = F.avg_pool2d(grey, 2**scale) if scale else grey
        fine = (coarse - F.avg_pool2d(coarse, 3, 1, 1, count_include_pad=False)).abs()
        maps.append(F.adaptive_avg_pool2d(fine, GRID))
    return torch.cat(maps, dim=1)


def smoothness(places: Tensor) -> Tensor:
    """Minus the log of the coarsest detail, over windows of some ribs: (N, 1 + SCALES, h, w) -> (N, h, w)."""
    return -(F.avg_pool2d(places[:, -1:], 9, 1, 4, count_include_pad=False)[:, 0] + LEAST).log()
