"""Classifiers on a frozen base network that other cards share."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from core.errors import CardError
from core.models.backbones import BACKBONES, ResidualNetwork
from core.models.base import Classifier
from core.models.blocks import residual_stage


class FrozenBase(nn.Module):
    """A network on a frozen `base` network, which is neither trained here nor stored with its weights.

    of: a backbone in BACKBONES, or another card as its id, @ and the start of its weights' sha256. That
    network is given to `set_base` before use.
    """

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of
        self.base: nn.Module = _MissingBase(of)

    def set_base(self, network: nn.Module) -> None:
        """network: what `of` names. It is frozen here."""
        self.base = network.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.base.eval()  # its norms must not settle on anything new
        return self

    def base_classifier(self) -> Classifier:
        """The base network. Raises CardError when it is no classifier, or not set yet."""
        if not isinstance(self.base, Classifier):
            raise CardError(f"{self.of!r} is no classifier, or set_base was not called yet.")
        return self.base


class FrozenBaseClassifier(FrozenBase, Classifier):
    """A classifier on a frozen base."""


class _MissingBase(nn.Module):
    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of

    def forward(self, _: Tensor) -> Tensor:
        raise CardError(f"This network has no base network {self.of!r} yet. Call set_base(network) first.")


class FeatureReuse(FrozenBaseClassifier):
    """A new head on the feature maps of a trained classifier."""

    def features(self, x: Tensor) -> Tensor:
        return self.base_classifier().features(x)

    def steps(self) -> Sequence[Callable[[Tensor], Tensor]]:
        return self.base_classifier().steps()


class NormalVersusRest(FeatureReuse):
    """Normal against the rest: the probabilities of a trained classifier's other classes added up."""

    def head(self, f: Tensor) -> Tensor:
        logits = self.base_classifier().head(f)
        return torch.stack([logits[:, 0], logits[:, 1:].logsumexp(1)], dim=1)


class FrozenResNet50(FrozenBaseClassifier):
    """ResNet-50 (He 2015, arXiv:1512.03385), first version; only the last stage is its own.

    The grid is a thirty-second of the input.
    """

    def __init__(self, *, of: str = "resnet50", classes: int = 2) -> None:
        super().__init__(of)
        self.layer4 = residual_stage(1024, 512, blocks=3)
        self.fc = nn.Linear(2048, classes)

    def features(self, x: Tensor) -> Tensor:
        _, third = self.base(x)
        return self.layer4(third)  # type: ignore[no-any-return]

    def steps(self) -> Sequence[Callable[[Tensor], Tensor]]:
        return (
            [*self.base.steps(), *self.layer4] if isinstance(self.base, ResidualNetwork) else super().steps()
        )

    def head(self, f: Tensor) -> Tensor:
        return self.fc(f.mean((2, 3)))  # type: ignore[no-any-return]


class PooledHead(FrozenBaseClassifier):
    """A small head on the pooled feature maps of a frozen base."""

    @abstractmethod
    def pool(self, f: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, W)."""

    @abstractmethod
    def logits(self, pooled: Tensor) -> Tensor:
        """(N, W) -> (N, K) logits."""

    def head(self, f: Tensor) -> Tensor:
        return self.logits(self.pool(f))


class StandardisedHead(PooledHead):
    """A linear head on pooled numbers, each in units of its spread over training scans."""

    def __init__(self, of: str, width: int, classes: int) -> None:
        super().__init__(of)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.linear = nn.Linear(width, classes)
        self.mean: Tensor
        self.std: Tensor

    def standardise(self, pooled: Tensor) -> None:
        """Learn mean and standard deviation from training scans. pooled: (N, W)."""
        self.mean.copy_(pooled.mean(0))
        self.std.copy_(pooled.std(0) + 1e-3)

    def logits(self, pooled: Tensor) -> Tensor:
        return self.linear((pooled - self.mean) / self.std)  # type: ignore[no-any-return]


class LinearProbe(StandardisedHead):
    """A linear head on the mean and spread of a backbone's middle layers inside the lungs.

    place: (h, w), how much each place counts.
    """

    def __init__(self, *, of: str, classes: int = 2) -> None:
        kind = BACKBONES[of]
        super().__init__(of, 2 * sum(kind.widths), classes)
        self.register_buffer("place", torch.full((kind.grid, kind.grid), 1 / kind.grid**2))
        self.place: Tensor

    def set_spatial_weights(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0 on any grid, such as the mean lungs of aligned films."""
        weight = nn.functional.adaptive_avg_pool2d(weight[None, None], self.place.shape[-1])[0, 0]
        self.place.copy_(weight / weight.sum())

    def features(self, x: Tensor) -> Tensor:
        return torch.cat(self.base(x), dim=1)

    def pool(self, f: Tensor) -> Tensor:
        mean = (f * self.place).sum((2, 3))
        square = (f.square() * self.place).sum((2, 3))
        return torch.cat([mean, (square - mean.square()).clamp_min(1e-8).sqrt()], dim=1)


class LinearHead(StandardisedHead, FeatureReuse):
    """A linear head on the averaged maps of a trained classifier. width: how many maps it has."""

    def __init__(self, *, of: str, width: int, classes: int = 2) -> None:
        super().__init__(of, width, classes)

    def pool(self, f: Tensor) -> Tensor:
        return f.mean((2, 3))


class DenseHead(PooledHead, FeatureReuse):
    """A dense head of 512 and 128 units on the averaged maps of a trained network, as in the COVID recipe."""

    def __init__(self, *, of: str, width: int = 2048, classes: int = 3, dropout: float = 0.4) -> None:
        super().__init__(of)
        self.dense = nn.Sequential(
            nn.Linear(width, 512),
            nn.BatchNorm1d(512),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(512, 128),
            nn.BatchNorm1d(128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, classes),
        )

    def pool(self, f: Tensor) -> Tensor:
        return f.mean((2, 3))

    def logits(self, pooled: Tensor) -> Tensor:
        return self.dense(pooled)  # type: ignore[no-any-return]
