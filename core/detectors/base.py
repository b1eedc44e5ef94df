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
        """Learn mean and spread of the error of held-out normals at each place."""


class FittedDetector(Detector):
    """Learns in one pass over the data."""

    @abstractmethod
    def fit(self, batches: Iterable[Tensor]) -> None:
        """Fit to batches of (N, C, H, W)."""

    @abstractmethod
    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Learn mean and spread of held-out normals at each place of the map."""


class FeatureDetector(FittedDetector):
    """Works on the feature maps of a frozen pretrained backbone, which many detectors share.

    backbone: its name in BACKBONES. Set with set_backbone before use.
    """

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.backbone = backbone
        self._loaded: list[Backbone] = []  # in a list: its weights stay out of the state dict

    @abstractmethod
    def set_spatial_weights(self, weight: Tensor) -> None:
        """weight: (h, w) >= 0, how much each place matters: the mean lungs of normal films."""

    def set_backbone(self, backbone: Backbone) -> None:
        """backbone: the one named by `self.backbone`."""
        self._loaded = [backbone]

    def loaded_backbone(self) -> Backbone:
        """Raises CardError before one is set."""
        if not self._loaded:
            raise CardError(
                f"This detector has no backbone {self.backbone!r} yet. Call set_backbone(backbone) first."
            )
        return self._loaded[0]

    def maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, SIDE, SIDE) -> one (N, D, h, w) per depth of the backbone."""
        return self.loaded_backbone()(x)  # type: ignore[no-any-return]
