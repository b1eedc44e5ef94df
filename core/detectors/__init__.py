"""Anomaly detectors by name."""

from core.detectors.autoencoder import Autoencoder
from core.detectors.base import Detector, DetectorOutput, FittedDetector, TrainedDetector

DETECTORS: dict[str, type[Detector]] = {
    "autoencoder": Autoencoder,
}

__all__ = ["DETECTORS", "Detector", "DetectorOutput", "FittedDetector", "TrainedDetector"]
