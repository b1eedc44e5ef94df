"""How unlike a set of films is one film? A Gaussian over features, free along a few axes."""

from dataclasses import dataclass, fields

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from core.errors import CardError

AXES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
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

    def odds(self, features: Tensor) -> Tensor | None:
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


def fit(features: Tensor, axes: int = AXES) -> Likeness:
    """features: (N, D), N > D."""
    mean, scale = features.mean(0), features.std(0) + 1e-6
    z = (features - mean) / scale
    values, vectors = torch.linalg.eigh((z.T @ z / len(z)).double())  # ascending
    return Likeness(
        mean=mean,
        scale=scale,
        axes=vectors[:, -axes:].float().contiguous(),
        variances=values[-axes:].float(),
        noise=values[:-axes].mean().float()[None],
    )


def pack(likeness: Likeness) -> bytes:
    every = {part.name: getattr(likeness, part.name) for part in fields(likeness)}
    return safetensors.torch.save({name: tensor for name, tensor in every.items() if tensor is not None})


def unpack(data: bytes) -> Likeness:
    """Raises CardError for bytes that `pack` did not write."""
    try:
        return Likeness(**safetensors.torch.load(data))
    except (SafetensorError, TypeError) as error:
        raise CardError(
            "gate.safetensors is broken. Make it with: python -m train.gate --data DATA"
        ) from error
