"""Probabilistic PCA of film features: the distance of a film from a set of films."""

from dataclasses import dataclass, fields

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from core.errors import CardError

AXES = 64


@dataclass(frozen=True, slots=True, eq=False)
class FeatureDensity:
    """Probabilistic principal components (Tipping and Bishop 1999).

    mean, scale: (D,). axes: (D, K), orthonormal. variances: (K,). noise: (1,), of every other direction.
    against: (D + 1,), weights and offset of the log odds of another kind of picture; None without one.
    """

    mean: Tensor
    scale: Tensor
    axes: Tensor
    variances: Tensor
    noise: Tensor
    against: Tensor | None = None

    def log_odds(self, features: Tensor) -> Tensor | None:
        """(N, D) -> (N,): log odds that the picture is of the other kind; None where none was learned."""
        if self.against is None:
            return None
        return (features - self.mean) / self.scale @ self.against[:-1] + self.against[-1]

    def distance(self, features: Tensor) -> Tensor:
        """(N, D) -> (N,): Mahalanobis distance over the square root of D; about 1 for films of the set."""
        z = (features - self.mean) / self.scale
        along = z @ self.axes
        rest = (z.square().sum(1) - along.square().sum(1)).clamp_min(0)
        squared = (along.square() / self.variances).sum(1) + rest / self.noise
        return (squared / features.shape[1]).sqrt()


def fit(features: Tensor, axes: int = AXES) -> FeatureDensity:
    """features: (N, D). Of few films, as many axes as half their number: more would be known by heart."""
    axes = min(axes, len(features) // 2)
    mean, scale = features.mean(0), features.std(0) + 1e-6
    z = (features - mean) / scale
    values, vectors = torch.linalg.eigh((z.T @ z / len(z)).double())  # ascending
    return FeatureDensity(
        mean=mean,
        scale=scale,
        axes=vectors[:, -axes:].float().contiguous(),
        variances=values[-axes:].float(),
        noise=values[:-axes].mean().float()[None],
    )


def pack(density: FeatureDensity) -> bytes:
    every = {part.name: getattr(density, part.name) for part in fields(density)}
    return safetensors.torch.save({name: tensor for name, tensor in every.items() if tensor is not None})


def unpack(data: bytes) -> FeatureDensity:
    """Raises CardError for bytes that `pack` did not write."""
    try:
        return FeatureDensity(**safetensors.torch.load(data))
    except (SafetensorError, TypeError) as error:
        raise CardError(
            "The file of the gate is broken. Make it with: python -m train.gate --data DATA"
        ) from error
