"""What every anomaly detector promises."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn

from core.errors import CardError
from core.models.backbones import Backbone


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

    @abstractmethod
    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Learn from held-out normals what is usual at each place of the map."""


class FeatureDetector(FittedDetector):
    """Looks at scans through a frozen pretrained backbone, which many detectors share.

    backbone: its name in BACKBONES. Whoever builds the detector lends it one before use.
    """

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.backbone = backbone
        self._lent: list[Backbone] = []  # in a list, so that its weights are not stored with this detector's

    @abstractmethod
    def look_at(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0, how much each place matters: the mean lungs of normal films."""

    def attach(self, backbone: Backbone) -> None:
        """Look through this backbone from now on."""
        self._lent = [backbone]

    def lent(self) -> Backbone:
        """The backbone at hand. Raises CardError before one is attached."""
        if not self._lent:
            raise CardError(f"This detector looks through {self.backbone!r}. Call attach(backbone) first.")
        return self._lent[0]

    def maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, SIDE, SIDE) -> one (N, D, h, w) per depth of the backbone."""
        return self.lent()(x)  # type: ignore[no-any-return]
