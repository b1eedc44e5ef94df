"""Controls without a network: what a reconstruction has to beat before it can be said to have learned."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FittedDetector
from core.detectors.error_given_detail import (
    CELL,
    LEAST,
    STEADY,
    ErrorGivenDetail,
    ReconstructionDetector,
    cells_inside,
)
from core.detectors.sharpness import blurred


class MeanFilm(ReconstructionDetector, FittedDetector):
    """Every scan is "rebuilt" as the mean of the training normals, and the error judged given detail."""

    fine = 1.0  # as its card was fitted

    def __init__(self, *, size: int = 64) -> None:
        super().__init__()
        self.register_buffer("film", torch.zeros(1, 1, size, size))
        self.given: ErrorGivenDetail = ErrorGivenDetail(size)
        self.film: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0, how much each place matters: the mean lungs of normal films."""
        self.given.set_region(weight)

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.film.expand_as(x)

    def raw(self, x: Tensor) -> DetectorOutput:
        error = (x - self.film).abs().mean(1)
        return DetectorOutput(error.mean((1, 2)), error, self.reconstruct(x))

    def fit(self, batches: Iterable[Tensor]) -> None:
        seen = torch.cat(list(batches))
        self.film.copy_(seen.mean(0))
        self.given.fit([self.error_and_detail(seen)])

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.given.calibrate(self.error_and_detail(x) for x in batches)


class DetailAlone(FittedDetector):
    """How little fine detail the cells inside the lungs show, each in standard deviations of normals."""

    def __init__(self, *, size: int = 64) -> None:
        super().__init__()
        side = size // CELL
        self.register_buffer("mean", torch.zeros(side, side))
        self.register_buffer("std", torch.ones(side, side))
        self.register_buffer("inside", torch.ones(side, side))
        self.mean: Tensor
        self.std: Tensor
        self.inside: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0, how much each place matters: the mean lungs of normal films."""
        self.inside.copy_(cells_inside(weight, len(self.inside)))

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Nothing is fitted: mean and deviation come from held-out normals."""

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        dullness = torch.cat([_dullness(x) for x in batches])
        self.mean.copy_(dullness.mean(0))
        self.std.copy_(dullness.std(0).clamp_min(STEADY))

    def score(self, x: Tensor) -> DetectorOutput:
        deviation = (_dullness(x) - self.mean) / self.std * self.inside
        return DetectorOutput(deviation.sum((1, 2)) / self.inside.sum(), deviation.clamp_min(0), None)


def _dullness(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, h, w), minus the log of the mean detail of each cell."""
    grey = x.mean(1, keepdim=True)
    return -(F.avg_pool2d((grey - blurred(grey)).abs(), CELL)[:, 0] + LEAST).log()
