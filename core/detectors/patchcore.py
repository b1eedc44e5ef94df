"""PatchCore: every patch against its nearest normal patch."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from core.detectors.base import DetectorOutput, FeatureDetector
from core.detectors.blocks import ErrorStandardiser, highest
from core.models.backbones import BACKBONES

DRAWN = 20_000  # patches from which the memory is picked


class PatchCore(FeatureDetector):
    """Distance of each patch to the nearest in a memory of normal patches (Roth 2021, arXiv:2106.08265).

    patches: size of the memory, picked by farthest-first search in a random projection as in the paper.
    share: of the places, those with the largest distances, that make the score, their mean.
    depth: which of the backbone's maps, 0 the shallowest. map: distance beyond the usual, in standard
    deviations of held-out normals.
    """

    def __init__(
        self, *, backbone: str, patches: int = 1500, share: float = 0.1, depth: int = 0, seed: int = 0
    ) -> None:
        super().__init__(backbone)
        kind = BACKBONES[backbone]
        self.grid, self.share, self.depth, self.seed = kind.grid, share, depth, seed
        self.register_buffer("place", torch.ones(kind.grid, kind.grid))
        self.register_buffer("memory", torch.zeros(patches, kind.widths[depth]))
        self.usual = ErrorStandardiser(kind.grid)
        self.place: Tensor
        self.memory: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """Where few normal scans have lung or head is not looked at."""
        weight = F.adaptive_avg_pool2d(weight[None, None], self.grid)[0, 0]
        self.place.copy_((weight > 0.3 * weight.max()).float())

    def fit(self, batches: Iterable[Tensor]) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        kept = []
        for x in batches:
            rows = self._patches(x)[:, self.place.flatten() > 0].flatten(0, 1)
            kept.append(rows[torch.randperm(len(rows), generator=generator)[: 32 * len(x)]])
        patches = torch.cat(kept)
        patches = patches[torch.randperm(len(patches), generator=generator)[:DRAWN]]
        self.memory.copy_(patches[farthest_first(patches, len(self.memory), generator)])

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        self.usual.fit(self.distance(x) for x in batches)

    def distance(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, h, w)."""
        patches = self._patches(x)
        nearest: Tensor = torch.cdist(patches, self.memory.expand(len(patches), -1, -1)).amin(2)
        distance: Tensor = nearest.unflatten(1, (self.grid, self.grid))
        return distance

    def score(self, x: Tensor) -> DetectorOutput:
        distance = self.distance(x)
        return DetectorOutput(
            highest(distance, self.place, self.share), self.usual(distance).clamp_min(0) * self.place, None
        )

    def _patches(self, x: Tensor) -> Tensor:
        smooth = F.avg_pool2d(self.maps(x)[self.depth], 3, 1, 1, count_include_pad=False)
        return smooth.flatten(2).transpose(1, 2)  # (N, D, h, w) -> (N, h*w, D)


def farthest_first(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Indices (count,) of rows (N, D), each the farthest from those before it (Gonzalez 1985)."""
    projection = torch.randn(rows.shape[1], 64, generator=generator) / 8
    flat = rows @ projection
    chosen = [0]
    distance = (flat - flat[0]).square().sum(1)
    while len(chosen) < min(count, len(rows)):
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (flat - flat[chosen[-1]]).square().sum(1))
    return torch.tensor(chosen)
