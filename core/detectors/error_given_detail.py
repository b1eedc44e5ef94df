"""Reconstruction error measures how much detail a scan has; this one takes the detail out of it."""

from abc import abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.detectors.base import Detector, DetectorOutput
from core.detectors.sharpness import blurred

CELL = 8  # pixels, of the scan as the network sees it
LEAST = 1e-3  # of error and detail, before their logs are taken
FINE = 2.0  # pixels: what a blur of so much takes away is detail
STEADY = 1e-6  # least deviation: a cell that is the same in all normals, as air is, divides by something


def cells_inside(weight: Tensor, side: int) -> Tensor:
    """weight: (h, w) in [0, 1] -> (side, side) bool, the cells of which lung or head covers half."""
    return F.adaptive_avg_pool2d(weight[None, None], side)[0, 0] >= 0.5


class ErrorGivenDetail(nn.Module):
    """How far the error of each cell lies above what normal scans have at that place with that much detail.

    The log of a cell's mean error is regressed on the log of its mean detail over normal scans: an intercept
    for each cell, one slope for all, that of whole scans. A single cell's detail is so noisy that it would
    flatten its own slope (regression dilution), and the score would still follow detail. What is left over is
    given in standard deviations of held-out normals.
    levels: error maps per scan, each with its own regression.
    """

    def __init__(self, size: int, levels: int = 1) -> None:
        super().__init__()
        shape = (levels, size // CELL, size // CELL)
        for name in ("slope", "intercept", "mean"):
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("std", torch.ones(shape))
        self.register_buffer("inside", torch.ones(shape[1:]))
        self.slope: Tensor
        self.intercept: Tensor
        self.mean: Tensor
        self.std: Tensor
        self.inside: Tensor

    def set_region(self, weight: Tensor) -> None:
        """weight: (h, w) in [0, 1], the share of normal scans with lung or head at each place."""
        self.inside.copy_(cells_inside(weight, len(self.inside)))

    def fit(self, maps: Iterable[tuple[Tensor, Tensor]]) -> None:
        """maps: error and detail of normal scans, (N, levels, size, size) each."""
        error, detail = _cells(maps)
        inside = self.inside > 0
        whole_error, whole_detail = error[..., inside].mean(2), detail[..., inside].mean(2)  # (N, levels)
        centred = whole_detail - whole_detail.mean(0)
        slope = (centred * whole_error).sum(0) / centred.square().sum(0).clamp_min(1e-6)
        self.slope.copy_(slope[:, None, None].expand_as(self.slope))
        self.intercept.copy_(error.mean(0) - self.slope * detail.mean(0))

    def calibrate(self, maps: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Learn mean and deviation of what is left over. maps: as in `fit`, of other normal scans."""
        left = self._left_over(*_cells(maps))
        self.mean.copy_(left.mean(0))
        self.std.copy_(left.std(0).clamp_min(STEADY))

    def forward(self, error: Tensor, detail: Tensor) -> Tensor:
        """(N, levels, size, size) each -> (N, h, w), mean of the levels in standard deviations."""
        left = self._left_over(*_cells([(error, detail)]))
        return ((left - self.mean) / self.std).mean(1) * self.inside

    def score(self, deviation: Tensor) -> Tensor:
        """(N, h, w) -> (N,), the plain mean over the cells inside lungs or head."""
        return deviation.sum((1, 2)) / self.inside.sum()

    def picture(self, error: Tensor, detail: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The picture of the fit, of one scan's finest level: (cells inside,) each.

        error, detail: (1, levels, size, size). Returns detail, error, and the usual error for it.
        """
        log_error, log_detail = _cells([(error, detail)])
        expected = self.intercept + self.slope * log_detail + self.mean
        here = self.inside > 0
        seen, missed, usual = (values[0, -1][here].exp() for values in (log_detail, log_error, expected))
        return seen, missed, usual

    def _left_over(self, error: Tensor, detail: Tensor) -> Tensor:
        return error - self.intercept - self.slope * detail


class ReconstructionDetector(Detector):
    """Rebuilds the scan, and judges what it could not rebuild.

    given: set where the error is judged against the detail of the same place; None where as it is.
    """

    given: ErrorGivenDetail | None

    @abstractmethod
    def raw(self, x: Tensor) -> DetectorOutput:
        """As `score`, by the error as it is."""

    @abstractmethod
    def reconstruct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same. Deterministic."""

    def error_and_detail(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, H, W) -> (N, levels, H, W) each: absolute error, and |x - G2(x)|."""
        grey = x.mean(1, keepdim=True)
        return (self.reconstruct(x) - x).abs().mean(1, keepdim=True), (grey - blurred(grey, FINE)).abs()

    def score(self, x: Tensor) -> DetectorOutput:
        raw = self.raw(x)
        if self.given is None:
            return raw
        deviation = self.given(*self.error_and_detail(x))
        return DetectorOutput(self.given.score(deviation), deviation.clamp_min(0), raw.reconstruction)


def _cells(maps: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Logs of the means in each cell: (N, levels, h, w), of error and of detail."""
    errors, details = zip(*((_log_means(error), _log_means(detail)) for error, detail in maps), strict=True)
    return torch.cat(errors), torch.cat(details)


def _log_means(values: Tensor) -> Tensor:
    return (F.avg_pool2d(values, CELL) + LEAST).log()
