"""Networks by name. A card names one and its arguments; nothing else builds them."""

from torch import nn

from core.models.adapted import AdaptedTransformer, AnotherHead
from core.models.base import Classifier
from core.models.border import Border, SourceGuess
from core.models.cnn import CNN
from core.models.cnn_transformer import CNNTransformer
from core.models.ensemble import AnyClassifier, ClassifierEnsemble
from core.models.frequency_bands import FrequencyBands
from core.models.frozen import (
    DenseHead,
    FrozenBase,
    FrozenBaseClassifier,
    FrozenResNet50,
    LinearHead,
    LinearProbe,
    NormalVersusRest,
)
from core.models.knn import KNN
from core.models.local_evidence import LocalEvidence, LungEvidence
from core.models.lung_mobilenet import LungMobileNetV2
from core.models.mobile_unet import MobileUNet
from core.models.outline_head import OutlineHead
from core.models.torchvision_nets import (
    VGG16,
    AlexNet,
    DenseNet121,
    MobileNetV2,
    ResNet18,
    ResNet50,
    Swin,
)
from core.models.unet import UNet

MODELS: dict[str, type[Classifier]] = {
    "cnn": CNN,
    "cnn-transformer": CNNTransformer,
    "alexnet": AlexNet,
    "vgg16": VGG16,
    "resnet18": ResNet18,
    "resnet50": ResNet50,
    "densenet121": DenseNet121,
    "swin": Swin,
    "mobilenet-v2": MobileNetV2,
    "bands": FrequencyBands,
    "lung-mobilenet-v2": LungMobileNetV2,
    "border": Border,
    "source-guess": SourceGuess,
}

# Their frozen base is in another folder of weights/.
FROZEN_BASE_MODELS: dict[str, type[FrozenBaseClassifier]] = {
    "resnet50-frozen": FrozenResNet50,
    "probe": LinearProbe,
    "dense-head": DenseHead,
    "linear-head": LinearHead,
    "summed": NormalVersusRest,
    "knn": KNN,
    "adapted-transformer": AdaptedTransformer,
    "another-head": AnotherHead,
    "local-evidence": LocalEvidence,
    "lung-evidence": LungEvidence,
}

ENSEMBLES: dict[str, type[nn.Module]] = {
    "ensemble-classifier": ClassifierEnsemble,
}

SEGMENTERS: dict[str, type[nn.Module]] = {
    "unet": UNet,
    "mobile-unet": MobileUNet,
    "outline-head": OutlineHead,
}

__all__ = [
    "ENSEMBLES",
    "FROZEN_BASE_MODELS",
    "KNN",
    "MODELS",
    "SEGMENTERS",
    "AdaptedTransformer",
    "AnotherHead",
    "AnyClassifier",
    "Classifier",
    "ClassifierEnsemble",
    "FrozenBase",
    "FrozenBaseClassifier",
    "LocalEvidence",
    "LungEvidence",
    "LungMobileNetV2",
    "MobileUNet",
    "OutlineHead",
    "UNet",
]
