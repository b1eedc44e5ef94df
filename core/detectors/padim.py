"""PaDiM: one Gaussian per place."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FeatureDetector
from core.detectors.blocks import ErrorStandardiser
from core.models.backbones import BACKBONES


class Padim(FeatureDetector):
    """Mahalanobis distance of each place's features from normal films' at that place (Defard 2020).

    arXiv:2011.08785. features: how many channels are kept, drawn at random as in the paper. Maps are averaged
    over 3x3 places first, because films are aligned to the lungs and not to each other. share: of the
    places, those with the largest distances, that make the score, their mean. map: distance beyond the
    usual, in standard deviations of held-out normals.
    """

    def __init__(self, *, backbone: str, features: int = 100, share: float = 0.1, seed: int = 0) -> None:
        super().__init__(backbone)
        kind = BACKBONES[backbone]
        self.grid, self.share = kind.grid, share
        order = torch.randperm(sum(kind.widths), generator=torch.Generator().manual_seed(seed))
        self.register_buffer("channels", order[:features].clone())
        self.register_buffer("place", torch.ones(kind.grid, kind.grid))
        self.register_buffer("mean", torch.zeros(kind.grid**2, features))
        self.register_buffer("whiten", torch.eye(features).repeat(kind.grid**2, 1, 1))
        self.usual = ErrorStandardiser(kind.grid)
        self.channels: Tensor
        self.place: Tensor
        self.mean: Tensor
        self.whiten: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """Where few normal films have lung is not looked at."""
        weight = F.adaptive_avg_pool2d(weight[None, None], self.grid)[0, 0]
        self.place.copy_((weight > 0.3 * weight.max()).float())

    def fit(self, batches: Iterable[Tensor]) -> None:
        rows = torch.cat([self._places(x) for x in batches])  # (N, h*w, D)
        self.mean.copy_(rows.mean(0))
        for place in range(self.grid**2):
            spread = torch.cov(rows[:, place].T.double(), correction=0)
            spread += 0.01 * spread.diagonal().mean() * torch.eye(len(spread), dtype=spread.dtype)
            values, vectors = torch.linalg.eigh(spread)
            self.whiten[place] = (vectors * values.rsqrt()).T.float()

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self.distance(x) for x in batches)

    def distance(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, h, w)."""
        away = torch.einsum("npd,ped->npe", self._places(x) - self.mean, self.whiten)
        distance: Tensor = away.square().sum(2).sqrt().unflatten(1, (self.grid, self.grid))
        return distance

    def score(self, x: Tensor) -> DetectorOutput:
        distance = self.distance(x)
        return DetectorOutput(
            highest(distance, self.place, self.share), self.usual(distance).clamp_min(0) * self.place, None
        )

    def _places(self, x: Tensor) -> Tensor:
        features = torch.cat(self.maps(x), dim=1)[:, self.channels]
        smooth = F.avg_pool2d(features, 3, 1, 1, count_include_pad=False)
        return smooth.flatten(2).transpose(1, 2)  # (N, D, h, w) -> (N, h*w, D)


def highest(distance: Tensor, place: Tensor, share: float) -> Tensor:
    """(N, h, w) -> (N,), mean of the largest `share` of the places where `place` is 1."""
    looked_at = distance.flatten(1)[:, place.flatten() > 0]
    return looked_at.topk(max(1, int(share * looked_at.shape[1])), dim=1).values.mean(1)
