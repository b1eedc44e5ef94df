"""Anomaly detectors, and the backbones that some look through, by name."""

from core.detectors.air import Air
from core.detectors.autoencoder import Autoencoder
from core.detectors.base import Detector, DetectorOutput, FeatureDetector, FittedDetector, TrainedDetector
from core.detectors.convlstm import ConvLSTMAutoencoder
from core.detectors.dense import Dense
from core.detectors.detail import Detail
from core.detectors.ensemble import Ensemble
from core.detectors.finder import LesionFinder
from core.detectors.padim import Padim
from core.detectors.patchcore import PatchCore
from core.detectors.pooled import LesionDirections, Mahalanobis, PooledDetector
from core.detectors.restoring import RestoringAutoencoder
from core.detectors.signs import Signs
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
