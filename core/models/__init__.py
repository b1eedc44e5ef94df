"""Networks by name. A card names one and its arguments; nothing else builds them."""

from torch import nn

from core.models.base import Classifier
from core.models.cnn import CNN
from core.models.cnn_transformer import CNNTransformer
from core.models.ensemble import Answering, ClassifierEnsemble
from core.models.frequency_bands import Bands
from core.models.frozen import Borrower, Dense, FrozenResNet50, Probe, Summed
from core.models.knn import KNN
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
    "bands": Bands,
}

# These stand on a network that another folder of weights/ holds.
BORROWERS: dict[str, type[Borrower]] = {
    "resnet50-frozen": FrozenResNet50,
    "probe": Probe,
    "dense-head": Dense,
    "summed": Summed,
    "knn": KNN,
}

ENSEMBLES: dict[str, type[nn.Module]] = {
    "ensemble-classifier": ClassifierEnsemble,
}

SEGMENTERS: dict[str, type[nn.Module]] = {
    "unet": UNet,
}

__all__ = [
    "BORROWERS",
    "ENSEMBLES",
    "KNN",
    "MODELS",
    "SEGMENTERS",
    "Answering",
    "Borrower",
    "Classifier",
    "ClassifierEnsemble",
    "UNet",
]
