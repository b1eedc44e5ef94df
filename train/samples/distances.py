"""How near made scans come to real ones: as a crowd (they should), and each to one of them (it must not)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from core import checkpoints, precision
from core.models.backbones import MEAN, STD
from core.resample import resize

THUMBNAIL_SIDE = 56  # pixels a side: where scans are compared grey by grey
COMPONENTS = 64  # of the features, for covariances of a few hundred scans
PERCENTILE = 5
BACKBONE = "dinov2-vits14"


@dataclass(frozen=True, slots=True)
class PatientDistances:
    """PERCENTILE of distances between scans of different patients: of each to its nearest, and of any two."""

    nearest: float
    any_two: float


def backbone_features(pixels: Tensor) -> Tensor:
    """(N, 1, H, W) in [0, 1] -> (N, D): means over the scan of what a backbone sees at two depths."""
    backbone = checkpoints.backbone(BACKBONE).eval()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    found = []
    with torch.inference_mode(), precision.half("cpu"):
        for some in pixels.split(16):
            maps = backbone((some.float().expand(-1, 3, -1, -1) - mean) / std)
            found.append(torch.cat([depth.float().mean((2, 3)) for depth in maps], dim=1))
    return torch.cat(found)


def standardised_pixels(pixels: Tensor) -> Tensor:
    """(N, 1, H, W) -> (N, SMALL * SMALL), at mean 0 and spread 1 each, so that exposure hides no copy."""
    flat = torch.cat(
        [resize(some.float(), THUMBNAIL_SIDE, THUMBNAIL_SIDE).flatten(1) for some in pixels.split(256)]
    )
    return (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True).clamp_min(1e-6)


def nearest_neighbours(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """(N, D), (M, D) -> distance to, and place of, the nearest of theirs; root mean square a dimension."""
    found = torch.cdist(ours, theirs).min(1)
    return found.values / ours.shape[1] ** 0.5, found.indices


def patient_distances(vectors: Tensor, patients: Sequence[str], generator: Generator) -> PatientDistances:
    """Percentiles of the distances between scans of different patients, in the units of `nearest_neighbours`.

    vectors: (N, D).
    patients: one of each vector.
    generator: of the pairs that are compared.
    """
    number = torch.from_numpy(np.unique(np.array(patients), return_inverse=True)[1])
    scale = vectors.shape[1] ** 0.5
    closest = torch.cat(
        [
            torch.cdist(some, vectors).masked_fill(own[:, None] == number, float("inf")).min(1).values
            for some, own in zip(vectors.split(512), number.split(512), strict=True)
        ]
    )
    first, second = torch.randint(0, len(vectors), (2, 20_000), generator=generator)
    different = number[first] != number[second]
    pairs = (vectors[first] - vectors[second]).norm(dim=1)[different]
    low = PERCENTILE / 100
    return PatientDistances(float(closest.quantile(low)) / scale, float(pairs.quantile(low)) / scale)


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalAxes:
    """The main directions of real scans' features: mean (D,), axes (D, DIRECTIONS)."""

    mean: Tensor
    axes: Tensor

    def __call__(self, vectors: Tensor) -> Tensor:
        return (vectors - self.mean) @ self.axes


def principal_axes(vectors: Tensor) -> PrincipalAxes:
    mean = vectors.mean(0)
    *_, axes = torch.linalg.svd(vectors - mean, full_matrices=False)
    return PrincipalAxes(mean, axes[:COMPONENTS].T)


def frechet(ours: Tensor, theirs: Tensor) -> float:
    """Squared distance between two bell curves over (N, D), (M, D) (Heusel 2017, arXiv:1706.08500)."""
    a, b = ours.double(), theirs.double()
    root = _root(a.T.cov())
    shared = torch.linalg.eigvalsh(root @ b.T.cov() @ root).clamp_min(0).sqrt().sum()
    spread = a.var(0).sum() + b.var(0).sum() - 2 * shared
    return float(((a.mean(0) - b.mean(0)).square().sum() + spread).clamp_min(0))


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors @ (values.clamp_min(0).sqrt()[:, None] * vectors.T)
    return root


def pca_samples(pixels: Tensor, count: int, generator: Generator) -> Tensor:
    """What principal components alone would make, the baseline.

    pixels: (N, 1, H, W), in [0, 1].
    count: how many to make.
    generator: of the random numbers.
    Returns (count, 1, H, W).
    """
    flat = pixels.float().flatten(1)
    mean = flat.mean(0)
    with torch.random.fork_rng():  # svd_lowrank takes no generator
        torch.manual_seed(0)
        _, values, axes = torch.svd_lowrank(flat - mean, q=min(COMPONENTS, len(flat) - 1), niter=2)
    strength = torch.randn(count, len(values), generator=generator) * values / len(flat) ** 0.5
    drawn: Tensor = mean + strength @ axes.T
    return drawn.clamp(0, 1).view(count, *pixels.shape[1:])


def blurred(pixels: Tensor) -> Tensor:
    """Scans whose detail is gone: a quarter of the size and back."""
    height, width = pixels.shape[-2:]
    return resize(F.avg_pool2d(pixels.float(), 4), height, width)
