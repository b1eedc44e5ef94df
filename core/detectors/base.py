"""What every anomaly detector promises."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn


class DetectorOutput(NamedTuple):
    """score: (N,), higher is less like normal. map: (N, h, w) >= 0. reconstruction: (N, C, H, W) or None."""

    score: Tensor
    map: Tensor
    reconstruction: Tensor | None


class Detector(nn.Module, ABC):
    """A network that has seen normal scans only."""

    @abstractmethod
    def score(self, x: Tensor) -> DetectorOutput:
        """(N, C, H, W) -> DetectorOutput. Deterministic."""


class TrainedDetector(Detector):
    """Learns by gradient descent."""

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> scalar."""

    @abstractmethod
    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Learn from held-out normals what error is usual at each place."""


class FittedDetector(Detector):
    """Learns in one pass over the data."""

    @abstractmethod
    def fit(self, batches: Iterable[Tensor]) -> None:
        """Fit to batches of (N, C, H, W)."""
