"""Anomaly detectors, and the backbones that some look through, by name."""

from core.detectors.autoencoder import Autoencoder
from core.detectors.base import Detector, DetectorOutput, FeatureDetector, FittedDetector, TrainedDetector
from core.detectors.convlstm import ConvLSTMAutoencoder
from core.detectors.denoising_autoencoder import RestoringAutoencoder
from core.detectors.ensemble import Ensemble
from core.detectors.lesion_segmenter import LesionFinder
from core.detectors.lung_brightness import Air
from core.detectors.opacity import Dense
from core.detectors.padim import Padim
from core.detectors.patchcore import PatchCore
from core.detectors.pooled import LesionDirections, Mahalanobis, PooledDetector
from core.detectors.radiographic_features import Signs
from core.detectors.sharpness import Detail
from core.detectors.vae import VariationalAutoencoder
from core.models.backbones import BACKBONES, Backbone

DETECTORS: dict[str, type[Detector]] = {
    "autoencoder": Autoencoder,
    "convlstm": ConvLSTMAutoencoder,
    "vae": VariationalAutoencoder,
    "restoring": RestoringAutoencoder,
    "detail": Detail,
    "air": Air,
    "signs": Signs,
    "dense": Dense,
    "mahalanobis": Mahalanobis,
    "padim": Padim,
    "patchcore": PatchCore,
    "lesions": LesionDirections,
    "ensemble": Ensemble,
    "finder": LesionFinder,
}

__all__ = [
    "BACKBONES",
    "DETECTORS",
    "Air",
    "Backbone",
    "Dense",
    "Detector",
    "DetectorOutput",
    "Ensemble",
    "FeatureDetector",
    "FittedDetector",
    "LesionDirections",
    "LesionFinder",
    "Mahalanobis",
    "Padim",
    "PatchCore",
    "PooledDetector",
    "RestoringAutoencoder",
    "Signs",
    "TrainedDetector",
]
