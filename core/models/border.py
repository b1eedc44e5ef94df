"""Yardsticks that see no lung: the border of the film alone."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.models.base import Classifier

SIDE, RING = 48, 6  # the outer eighth of a film brought to 48 places


class Border(Classifier):
    """A linear answer from the outer eighth of a film: markers, collimation, framing, air.

    mean, std: of each place over training films.
    """

    def __init__(self, *, classes: int = 2, channels: int = 1) -> None:
        super().__init__()
        inside = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        inside[RING:-RING, RING:-RING] = True
        self.register_buffer("places", (~inside).flatten().nonzero()[:, 0])
        self.places: Tensor
        count = channels * len(self.places)
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("std", torch.ones(count))
        self.mean: Tensor
        self.std: Tensor
        self.linear = nn.Linear(count, classes)

    def features(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, SIDE)

    def ring(self, f: Tensor) -> Tensor:
        """(N, C, SIDE, SIDE) -> (N, W), the places of the border."""
        return f.flatten(2)[:, :, self.places].flatten(1)

    def head(self, f: Tensor) -> Tensor:
        return self.linear((self.ring(f) - self.mean) / self.std)  # type: ignore[no-any-return]


class SourceGuess(Border):
    """Guesses from the border which source a film is of, and answers with that source's usual label.

    rates: (sources, classes), how frequent each class is among a source's training films.
    """

    def __init__(self, *, classes: int = 2, channels: int = 1, sources: int = 4) -> None:
        super().__init__(classes=sources, channels=channels)
        self.register_buffer("rates", torch.full((sources, classes), 1 / classes))
        self.rates: Tensor

    def head(self, f: Tensor) -> Tensor:
        return (super().head(f).softmax(1) @ self.rates).clamp_min(1e-6).log()
