"""Anomaly detectors, and the backbones that some look through, by name."""

from core.detectors.autoencoder import Autoencoder
from core.detectors.base import Detector, DetectorOutput, FeatureDetector, FittedDetector, TrainedDetector
from core.detectors.convlstm import ConvLSTMAutoencoder
from core.detectors.denoising_autoencoder import DenoisingAutoencoder
from core.detectors.ensemble import DetectorEnsemble
from core.detectors.lesion_segmenter import LesionSegmenter
from core.detectors.lung_brightness import LungBrightness
from core.detectors.opacity import LungOpacity
from core.detectors.padim import Padim
from core.detectors.patchcore import PatchCore
from core.detectors.pooled import LesionDirections, Mahalanobis, PooledDetector
from core.detectors.radiographic_features import RadiographicFeatures
from core.detectors.sharpness import Sharpness
from core.detectors.vae import VariationalAutoencoder
from core.models.backbones import BACKBONES, Backbone

DETECTORS: dict[str, type[Detector]] = {
    "autoencoder": Autoencoder,
    "convlstm": ConvLSTMAutoencoder,
    "vae": VariationalAutoencoder,
    "restoring": DenoisingAutoencoder,
    "detail": Sharpness,
    "air": LungBrightness,
    "signs": RadiographicFeatures,
    "dense": LungOpacity,
    "mahalanobis": Mahalanobis,
    "padim": Padim,
    "patchcore": PatchCore,
    "lesions": LesionDirections,
    "ensemble": DetectorEnsemble,
    "finder": LesionSegmenter,
}

__all__ = [
    "BACKBONES",
    "DETECTORS",
    "Backbone",
    "DenoisingAutoencoder",
    "Detector",
    "DetectorEnsemble",
    "DetectorOutput",
    "FeatureDetector",
    "FittedDetector",
    "LesionDirections",
    "LesionSegmenter",
    "LungBrightness",
    "LungOpacity",
    "Mahalanobis",
    "Padim",
    "PatchCore",
    "PooledDetector",
    "RadiographicFeatures",
    "TrainedDetector",
]
