"""Classifiers that look through a network which other cards share."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from core.errors import CardError
from core.models.backbones import BACKBONES, ResidualNetwork, first_version
from core.models.base import Classifier


class Borrower(Classifier):
    """Whatever lies under `lent` is somebody else's: never trained here and not stored with the rest.

    of: a backbone in BACKBONES, or another card as its id, @ and the start of its weights' sha256. Whoever
    builds the classifier lends it that network before use.
    """

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of
        self.lent: nn.Module = _Nothing(of)

    def attach(self, network: nn.Module) -> None:
        """Look through this network from now on."""
        self.lent = network.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "Borrower":
        super().train(mode)
        self.lent.eval()  # its norms must not settle on anything new
        return self


class _Nothing(nn.Module):
    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of

    def forward(self, _: Tensor) -> Tensor:
        raise CardError(f"This classifier looks through {self.of!r}. Call attach(network) first.")


class Reading(Borrower):
    """Another answer from a trained classifier's own feature maps."""

    def features(self, x: Tensor) -> Tensor:
        return self.whole().features(x)

    def steps(self) -> Sequence[Callable[[Tensor], Tensor]]:
        return self.whole().steps()

    def whole(self) -> Classifier:
        """The classifier lent. Raises CardError for any other network."""
        if not isinstance(self.lent, Classifier):
            raise CardError(f"{self.of!r} is no classifier, or it was not lent yet.")
        return self.lent


class Summed(Reading):
    """Normal against all other classes of a trained classifier: their probabilities added up."""

    def head(self, f: Tensor) -> Tensor:
        logits = self.whole().head(f)
        return torch.stack([logits[:, 0], logits[:, 1:].logsumexp(1)], dim=1)


class FrozenResNet50(Borrower):
    """ResNet-50 (He 2015, arXiv:1512.03385), first version; all but the last stage are lent and frozen.

    The grid is a thirty-second of the input.
    """

    def __init__(self, *, of: str = "resnet50", classes: int = 2) -> None:
        super().__init__(of)
        self.layer4 = first_version(resnet50(weights=None)).layer4
        self.fc = nn.Linear(2048, classes)

    def features(self, x: Tensor) -> Tensor:
        _, third = self.lent(x)
        return self.layer4(third)  # type: ignore[no-any-return]

    def steps(self) -> Sequence[Callable[[Tensor], Tensor]]:
        return (
            [*self.lent.steps(), *self.layer4] if isinstance(self.lent, ResidualNetwork) else super().steps()
        )

    def head(self, f: Tensor) -> Tensor:
        return self.fc(f.mean((2, 3)))  # type: ignore[no-any-return]


class Pooled(Borrower):
    """A frozen network's maps pooled to one list of numbers, and a small head on it."""

    @abstractmethod
    def pooled(self, f: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, W)."""

    @abstractmethod
    def top(self, pooled: Tensor) -> Tensor:
        """(N, W) -> (N, K) logits."""

    def head(self, f: Tensor) -> Tensor:
        return self.top(self.pooled(f))


class Probe(Pooled):
    """A linear head on the mean and spread of a backbone's middle layers inside the lungs.

    place: (h, w), how much each place counts; mean and std: of the pooled numbers over training scans.
    """

    def __init__(self, *, of: str, classes: int = 2) -> None:
        super().__init__(of)
        kind = BACKBONES[of]
        width = 2 * sum(kind.widths)
        self.register_buffer("place", torch.full((kind.grid, kind.grid), 1 / kind.grid**2))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.linear = nn.Linear(width, classes)
        self.place: Tensor
        self.mean: Tensor
        self.std: Tensor

    def look_at(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0 on any grid, such as the mean lungs of aligned films."""
        weight = nn.functional.adaptive_avg_pool2d(weight[None, None], self.place.shape[-1])[0, 0]
        self.place.copy_(weight / weight.sum())

    def standardise(self, pooled: Tensor) -> None:
        """Learn the usual numbers from training scans. pooled: (N, W)."""
        self.mean.copy_(pooled.mean(0))
        self.std.copy_(pooled.std(0) + 1e-3)

    def features(self, x: Tensor) -> Tensor:
        return torch.cat(self.lent(x), dim=1)

    def pooled(self, f: Tensor) -> Tensor:
        mean = (f * self.place).sum((2, 3))
        square = (f.square() * self.place).sum((2, 3))
        return torch.cat([mean, (square - mean.square()).clamp_min(1e-8).sqrt()], dim=1)

    def top(self, pooled: Tensor) -> Tensor:
        return self.linear((pooled - self.mean) / self.std)  # type: ignore[no-any-return]


class Dense(Pooled, Reading):
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

    def pooled(self, f: Tensor) -> Tensor:
        return f.mean((2, 3))

    def top(self, pooled: Tensor) -> Tensor:
        return self.dense(pooled)  # type: ignore[no-any-return]
