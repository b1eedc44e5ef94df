"""Detectors that see a scan as one list of numbers: a backbone's features averaged over the lungs."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FeatureDetector
from core.detectors.blocks import ErrorStandardiser
from core.models.backbones import BACKBONES

Pairs = Iterable[tuple[Tensor, Tensor]]


class PooledDetector(FeatureDetector):
    """What the two below share: where to look, the mean of normals, and which differences to forgive.

    spread: whether the standard deviation over the lungs is taken beside the mean.
    forgive: weight of the covariance of changes in how a film was taken (blur, crop, exposure, noise),
    added to that of the normals, so that directions which such changes move count for little.
    """

    def __init__(self, *, backbone: str, forgive: float, spread: bool) -> None:
        super().__init__(backbone)
        kind = BACKBONES[backbone]
        self.channels, self.forgive, self.spread = sum(kind.widths), forgive, spread
        self.width = self.channels * (2 if spread else 1)
        self.register_buffer("place", torch.full((kind.grid, kind.grid), 1 / kind.grid**2))
        self.register_buffer("mean", torch.zeros(self.width))
        self.usual = ErrorStandardiser(kind.grid)
        self.place: Tensor
        self.mean: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        weight = F.adaptive_avg_pool2d(weight[None, None], self.place.shape[-1])[0, 0]
        self.place.copy_(weight / weight.sum())

    def features(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, channels, h, w), all depths of the backbone."""
        return torch.cat(self.maps(x), dim=1)

    def pooled(self, features: Tensor) -> Tensor:
        """(N, channels, h, w) -> (N, width)."""
        mean = (features * self.place).sum((2, 3))
        if not self.spread:
            return mean
        square = (features.square() * self.place).sum((2, 3))
        return torch.cat([mean, (square - mean.square()).clamp_min(1e-8).sqrt()], dim=1)

    def _covariance(self, batches: Iterable[Tensor], changes: Pairs) -> tuple[Tensor, Tensor]:
        """Of the normals, whose mean is kept, and of the changes: (width, width) each, float64."""
        normals = torch.cat([self.pooled(self.features(x)) for x in batches]).double()
        self.mean.copy_(normals.mean(0))
        moved = self._moves(changes)
        return torch.cov(normals.T, correction=0), moved.T @ moved / max(len(moved), 1)

    def _moves(self, pairs: Pairs) -> Tensor:
        """(M, width), how far each pair's second lies from its first."""
        moves = [
            self.pooled(self.features(after)) - self.pooled(self.features(before)) for before, after in pairs
        ]
        return torch.cat(moves).double() if moves else torch.zeros(0, self.width, dtype=torch.float64)


class Mahalanobis(PooledDetector):
    """Distance to the normals' mean in units of their spread (Rippel 2021, arXiv:2005.14140).

    shrink: share of the mean variance added to every direction. score: log of the mean squared distance per
    number. map: the same of each place by itself, in standard deviations of held-out normals.
    """

    def __init__(self, *, backbone: str, forgive: float = 3.0, shrink: float = 0.1) -> None:
        super().__init__(backbone=backbone, forgive=forgive, spread=False)
        self.shrink = shrink
        self.register_buffer("whiten", torch.eye(self.width))
        self.whiten: Tensor

    def fit(self, batches: Iterable[Tensor], changes: Pairs = ()) -> None:
        """changes: normal films as they are and as another machine would have taken them."""
        normal, change = self._covariance(batches, changes)
        total = normal + self.forgive * change
        total += self.shrink * normal.trace() / self.width * torch.eye(self.width, dtype=total.dtype)
        values, vectors = torch.linalg.eigh(total)
        self.whiten.copy_((vectors * values.rsqrt()).T)

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self._place_distance(self.features(x)) for x in batches)

    def score(self, x: Tensor) -> DetectorOutput:
        features = self.features(x)
        away = (self.pooled(features) - self.mean) @ self.whiten.T
        deviation = self.usual(self._place_distance(features))
        return DetectorOutput(away.square().mean(1).log(), deviation.clamp_min(0), None)

    def _place_distance(self, features: Tensor) -> Tensor:
        away = (features.permute(0, 2, 3, 1) - self.mean) @ self.whiten.T
        return away.square().mean(3).log()


class LesionDirections(PooledDetector):
    """How far a film lies from the normals in the directions in which drawn lesions move normals.

    One linear discriminant per kind of lesion (Fisher 1936), from the mean difference between the same films
    with and without it: a few numbers, so that it learns what opacities have in common and not how these
    were drawn. shrink: share of the mean variance added to every direction.
    score: log of the mean over kinds of exp of the discriminants, each in standard deviations of normals.
    map: the means' share of it at each place, in standard deviations of held-out normals.
    """

    def __init__(self, *, backbone: str, kinds: int = 7, forgive: float = 1.0, shrink: float = 0.1) -> None:
        super().__init__(backbone=backbone, forgive=forgive, spread=True)
        self.shrink = shrink
        self.register_buffer("directions", torch.zeros(self.width, kinds))
        self.directions: Tensor

    def fit(
        self,
        batches: Iterable[Tensor],
        changes: Pairs = (),
        lesions: Mapping[str, Pairs] | None = None,
    ) -> None:
        """lesions: per kind, normal films as they are and with a lesion of that kind drawn into them."""
        normal, change = self._covariance(batches, changes)
        total = normal + self.forgive * change
        ridge = self.shrink * normal.trace() / self.width * torch.eye(self.width, dtype=total.dtype)
        for index, pairs in enumerate((lesions or {}).values()):
            direction = torch.linalg.solve(total + ridge, self._moves(pairs).mean(0))
            self.directions[:, index] = direction / (direction @ total @ direction).sqrt()

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self._place_score(self.features(x)) for x in batches)

    def score(self, x: Tensor) -> DetectorOutput:
        features = self.features(x)
        away = (self.pooled(features) - self.mean) @ self.directions
        deviation = self.usual(self._place_score(features))
        return DetectorOutput(soft_maximum(away), deviation.clamp_min(0), None)

    def _place_score(self, features: Tensor) -> Tensor:
        """The means' part of the discriminants, at each place: (N, channels, h, w) -> (N, h, w)."""
        away = features.permute(0, 2, 3, 1) - self.mean[: self.channels]
        return soft_maximum(away @ self.directions[: self.channels])


def soft_maximum(values: Tensor) -> Tensor:
    """(..., K) -> (...), log of the mean of exp."""
    return values.logsumexp(-1) - math.log(values.shape[-1])
