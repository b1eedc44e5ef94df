"""What a reader looks for, in a few dozen numbers: brightness and detail of parts of the lungs."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FittedDetector
from core.detectors.blocks import ErrorStandardiser
from core.detectors.pooled import Pairs, soft_maximum

GRID = 56  # places per side
SCALES = 3  # of detail: 1, 2 and 4 pixels
LEAST = 1e-4  # of detail, before its log is taken


class RadiographicFeatures(FittedDetector):
    """No network: brightness, unevenness and detail at three scales in `rows` x 2 parts of the lungs.

    With them go the brightest part, the part poorest in detail, and the brightness between the lungs.
    directed: score as core.detectors.pooled.LesionDirections does, by linear discriminants towards drawn
    lesions; with so few numbers little of how lesions were drawn can be learned. Otherwise the log of the
    mean squared distance to the normals in units of their spread (Mahalanobis), in whatever direction.
    forgive: weight of changes in how a film was taken. shrink: share of the variance added to each number.
    map: brightness beyond the usual plus detail short of the usual, at each place, in standard deviations.
    """

    def __init__(
        self,
        *,
        size: int = 224,
        rows: int = 3,
        kinds: int = 7,
        directed: bool = True,
        forgive: float = 3.0,
        shrink: float = 0.1,
    ) -> None:
        super().__init__()
        self.size, self.directed, self.forgive, self.shrink = size, directed, forgive, shrink
        count = 5 * 2 * rows + 5
        self.register_buffer("parts", torch.full((2 * rows, GRID, GRID), 1 / GRID**2))
        self.register_buffer("between", torch.full((GRID, GRID), 1 / GRID**2))
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("std", torch.ones(count))
        self.register_buffer("directions", torch.eye(count)[:, : kinds if directed else count].clone())
        self.usual_brightness, self.usual_dullness = ErrorStandardiser(GRID), ErrorStandardiser(GRID)
        self.parts: Tensor
        self.between: Tensor
        self.mean: Tensor
        self.std: Tensor
        self.directions: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0, how much each place matters: the mean lungs of normal films."""
        self.parts.copy_(parts_of(weight, len(self.parts) // 2))
        weight = F.adaptive_avg_pool2d(weight[None, None], GRID)[0, 0]
        middle = (torch.arange(GRID) - GRID / 2).abs() < GRID / 4
        between = (1 - weight / weight.max()) * middle
        self.between.copy_(between / between.sum())

    def fit(
        self,
        batches: Iterable[Tensor],
        changes: Pairs = (),
        lesions: Mapping[str, Pairs] | None = None,
    ) -> None:
        """changes, lesions: normal films as they are, and taken otherwise or with a lesion of that kind."""
        normals = torch.cat([self.numbers(x) for x in batches])
        self.mean.copy_(normals.mean(0))
        self.std.copy_(normals.std(0).clamp_min(1e-6))
        total = torch.cov(self._standardised(normals).T.double(), correction=0)
        moved = self._moves(changes)
        total += self.forgive * moved.T @ moved / max(len(moved), 1)
        total += self.shrink * torch.eye(len(total), dtype=total.dtype)
        if not self.directed:
            values, vectors = torch.linalg.eigh(total)
            self.directions.copy_(vectors * values.rsqrt())
            return
        for index, pairs in enumerate((lesions or {}).values()):
            direction = torch.linalg.solve(total, self._moves(pairs).mean(0))
            self.directions[:, index] = direction / (direction @ total @ direction).sqrt()

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        seen = [places_of(x) for x in batches]
        self.usual_brightness.fit(places[:, 0] for places in seen)
        self.usual_dullness.fit(smoothness(places) for places in seen)

    def score(self, x: Tensor) -> DetectorOutput:
        away = self._standardised(self.numbers(x)) @ self.directions
        score = soft_maximum(away) if self.directed else away.square().mean(1).log()
        places = places_of(x)
        deviation = self.usual_brightness(places[:, 0]) + self.usual_dullness(smoothness(places))
        lung = self.parts.sum(0) > 0.3 * self.parts.sum(0).max()
        return DetectorOutput(score, (deviation / 2).clamp_min(0) * lung, None)

    def numbers(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 10 rows + 5)."""
        places = places_of(x)
        parts = torch.einsum("nchw,phw->ncp", places, self.parts)
        squares = torch.einsum("nhw,phw->np", places[:, 0].square(), self.parts)
        brightness, detail = parts[:, 0], (parts[:, 1:] + LEAST).log()
        uneven = (squares - brightness.square()).clamp_min(1e-6).log() / 2
        between = (places[:, 0] * self.between).sum((1, 2))
        return torch.cat(
            [
                brightness,
                detail.flatten(1),
                uneven,
                between[:, None],
                brightness.amax(1, keepdim=True),
                detail.amin(2),
            ],
            dim=1,
        )

    def _standardised(self, numbers: Tensor) -> Tensor:
        return (numbers - self.mean) / self.std

    def _moves(self, pairs: Pairs) -> Tensor:
        """(M, numbers), how far each pair's second lies from its first."""
        moves = [(self.numbers(after) - self.numbers(before)) / self.std for before, after in pairs]
        return torch.cat(moves).double() if moves else torch.zeros(0, len(self.mean), dtype=torch.float64)


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
