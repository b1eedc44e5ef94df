"""Networks by name. A card names one and its arguments; nothing else builds them."""

from torch import nn

from core.models.base import Classifier
from core.models.cnn import CNN
from core.models.cnn_transformer import CNNTransformer
from core.models.torchvision_nets import VGG16, AlexNet, DenseNet121, ResNet18, ResNet50, Swin
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
}

SEGMENTERS: dict[str, type[nn.Module]] = {
    "unet": UNet,
}

__all__ = ["MODELS", "SEGMENTERS", "Classifier", "UNet"]
