"""Lungs hold air, and air is dark: a score from the brightness of four parts of the lungs."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FittedDetector
from core.detectors.blocks import ErrorStandardiser

GRID = 28  # places per side


class LungBrightness(FittedDetector):
    """How bright the lungs are against the rest of the crop, in standard deviations of normals.

    Fluid in place of air brightens them. Films come stretched between their darkest and brightest part, so
    that brightness means brightness against heart and air outside. score: half the mean over the four parts
    (left and right, upper and lower), half that of the brightest part, because disease may be on one side.
    map: brightness beyond the usual at that place, in standard deviations of held-out normals.
    """

    def __init__(self, *, size: int = 224) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("parts", torch.full((4, GRID, GRID), 1 / GRID**2))
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("std", torch.ones(4))
        self.usual = ErrorStandardiser(GRID)
        self.parts: Tensor
        self.mean: Tensor
        self.std: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0, how much each place matters: the mean lungs of normal films."""
        weight = F.adaptive_avg_pool2d(weight[None, None], GRID)[0, 0]
        rows = weight.sum(1).cumsum(0) / weight.sum()
        upper = (rows < 0.5).float()[:, None]
        left = (torch.arange(GRID) < GRID // 2).float()[None, :]
        masks = [v * h for v in (upper, 1 - upper) for h in (left, 1 - left)]
        parts = torch.stack([weight * mask for mask in masks])
        self.parts.copy_(parts / parts.sum((1, 2), keepdim=True))

    def fit(self, batches: Iterable[Tensor]) -> None:
        brightness = torch.cat([self._brightness(self._grey(x)) for x in batches])
        self.mean.copy_(brightness.mean(0))
        self.std.copy_(brightness.std(0, correction=0))

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self._grey(x) for x in batches)

    def score(self, x: Tensor) -> DetectorOutput:
        grey = self._grey(x)
        beyond = (self._brightness(grey) - self.mean) / self.std
        lung = (self.parts.sum(0) > 0.3 * self.parts.sum(0).max()).float()
        deviation = self.usual(grey).clamp_min(0) * lung
        return DetectorOutput((beyond.mean(1) + beyond.amax(1)) / 2, deviation, None)

    def _brightness(self, grey: Tensor) -> Tensor:
        return torch.einsum("nhw,phw->np", grey, self.parts)

    @staticmethod
    def _grey(x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x.mean(1, keepdim=True), GRID)[:, 0]
