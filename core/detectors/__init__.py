"""Anomaly detectors, and the backbones that some look through, by name."""

from core.detectors.autoencoder import Autoencoder
from core.detectors.base import Detector, DetectorOutput, FeatureDetector, FittedDetector, TrainedDetector
from core.detectors.controls import DetailAlone, MeanFilm
from core.detectors.convlstm import ConvLSTMAutoencoder
from core.detectors.denoising_autoencoder import DenoisingAutoencoder
from core.detectors.ensemble import DetectorEnsemble
from core.detectors.mahalanobis import Mahalanobis
from core.detectors.opacity import LungOpacity
from core.detectors.patchcore import PatchCore
from core.detectors.sharpness import Sharpness
from core.detectors.vae import VariationalAutoencoder
from core.models.backbones import BACKBONES, Backbone

DETECTORS: dict[str, type[Detector]] = {
    "autoencoder": Autoencoder,
    "convlstm": ConvLSTMAutoencoder,
    "vae": VariationalAutoencoder,
    "restoring": DenoisingAutoencoder,
    "detail": Sharpness,
    "mean-film": MeanFilm,
    "detail-alone": DetailAlone,
    "dense": LungOpacity,
    "mahalanobis": Mahalanobis,
    "patchcore": PatchCore,
    "ensemble": DetectorEnsemble,
}

__all__ = [
    "BACKBONES",
    "DETECTORS",
    "Backbone",
    "DenoisingAutoencoder",
    "DetailAlone",
    "Detector",
    "DetectorEnsemble",
    "DetectorOutput",
    "FeatureDetector",
    "FittedDetector",
    "LungOpacity",
    "Mahalanobis",
    "MeanFilm",
    "PatchCore",
    "TrainedDetector",
]
