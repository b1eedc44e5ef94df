"""Networks by name. A card names one and its arguments; nothing else builds them."""

from torch import nn

from core.models.base import Classifier
from core.models.cnn import CNN
from core.models.unet import UNet

MODELS: dict[str, type[Classifier]] = {
    "cnn": CNN,
}

SEGMENTERS: dict[str, type[nn.Module]] = {
    "unet": UNet,
}

__all__ = ["MODELS", "SEGMENTERS", "Classifier"]
