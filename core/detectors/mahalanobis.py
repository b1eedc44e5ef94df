"""A detector that sees a scan as one list of numbers: a backbone's features averaged over the lungs."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FeatureDetector
from core.detectors.blocks import ErrorStandardiser
from core.models.backbones import BACKBONES

Pairs = Iterable[tuple[Tensor, Tensor]]


class Mahalanobis(FeatureDetector):
    """Distance of averaged features to the normals' mean in units of their spread (Rippel 2021).

    arXiv:2005.14140.
    forgive: weight of the covariance of changes in how a film was taken (blur, crop, exposure, noise),
    added to that of the normals, so that directions which such changes move count for little.
    shrink: share of the mean variance added to every direction. score: log of the mean squared distance per
    number. map: the same of each place by itself, in standard deviations of held-out normals.
    """

    def __init__(self, *, backbone: str, forgive: float = 3.0, shrink: float = 0.1) -> None:
        super().__init__(backbone)
        kind = BACKBONES[backbone]
        self.width, self.forgive, self.shrink = sum(kind.widths), forgive, shrink
        self.register_buffer("place", torch.full((kind.grid, kind.grid), 1 / kind.grid**2))
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("whiten", torch.eye(self.width))
        self.usual = ErrorStandardiser(kind.grid)
        self.place: Tensor
        self.mean: Tensor
        self.whiten: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        weight = F.adaptive_avg_pool2d(weight[None, None], self.place.shape[-1])[0, 0]
        self.place.copy_(weight / weight.sum())

    def fit(self, batches: Iterable[Tensor], changes: Pairs = ()) -> None:
        """changes: normal films as they are and as another machine would have taken them."""
        rows = torch.cat([self._pooled(self._features(x)) for x in batches]).double()
        self.mean.copy_(rows.mean(0))
        moved, normal = self._moves(changes), torch.cov(rows.T, correction=0)
        total = normal + self.forgive * (moved.T @ moved / max(len(moved), 1))
        total += self.shrink * normal.trace() / self.width * torch.eye(self.width, dtype=total.dtype)
        values, vectors = torch.linalg.eigh(total)
        self.whiten.copy_((vectors * values.rsqrt()).T)

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self._place_distance(self._features(x)) for x in batches)

    def score(self, x: Tensor) -> DetectorOutput:
        features = self._features(x)
        away = (self._pooled(features) - self.mean) @ self.whiten.T
        deviation = self.usual(self._place_distance(features))
        return DetectorOutput(away.square().mean(1).log(), deviation.clamp_min(0), None)

    def _features(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, width, h, w), all depths of the backbone."""
        return torch.cat(self.maps(x), dim=1)

    def _pooled(self, features: Tensor) -> Tensor:
        """(N, width, h, w) -> (N, width)."""
        return (features * self.place).sum((2, 3))

    def _place_distance(self, features: Tensor) -> Tensor:
        away = (features.permute(0, 2, 3, 1) - self.mean) @ self.whiten.T
        return away.square().mean(3).log()

    def _moves(self, pairs: Pairs) -> Tensor:
        """(M, width), how far each pair's second lies from its first."""
        moves = [
            self._pooled(self._features(after)) - self._pooled(self._features(before))
            for before, after in pairs
        ]
        return torch.cat(moves).double() if moves else torch.zeros(0, self.width, dtype=torch.float64)
