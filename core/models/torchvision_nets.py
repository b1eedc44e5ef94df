"""The field's well-known networks, without weights, cut into features and head.

torchvision is imported where a network is built: it takes a third of the application's start, and the cards
that a first verdict asks need none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from core.models.base import Classifier

if TYPE_CHECKING:
    from torchvision.models import ResNet


PLACE_BY_PLACE = (nn.ReLU, nn.BatchNorm2d, nn.Identity)  # what is left of merged layers is an Identity


def _small_head(inputs: int, classes: int, dropout: float) -> nn.Sequential:
    """Pool, then two thin layers: the published dense heads hold 50 to 120 M weights of 60 to 138 M."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(inputs, 256),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(256, classes),
    )


def _with_channels(first: nn.Conv2d, channels: int) -> nn.Conv2d:
    """The same convolution for another number of input channels."""
    if channels == first.in_channels:
        return first
    args: dict[str, Any] = {"stride": first.stride, "padding": first.padding, "bias": first.bias is not None}
    return nn.Conv2d(channels, first.out_channels, first.kernel_size, **args)  # type: ignore[arg-type]


def _in_steps(layers: nn.Sequential) -> list[nn.Sequential]:
    """Cut before each layer that sees more than one place."""
    cuts = [place for place, layer in enumerate(layers) if not isinstance(layer, PLACE_BY_PLACE)]
    return [layers[start:end] for start, end in zip(cuts, [*cuts[1:], len(layers)], strict=True)]


class AlexNet(Classifier):
    """Five convolutions (Krizhevsky 2014, arXiv:1404.5997); the grid is a thirty-second of the input."""

    def __init__(self, *, classes: int = 2, channels: int = 1, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.classifier = _small_head(256, classes, dropout)

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def steps(self) -> list[nn.Sequential]:
        return _in_steps(self.layers)

    def head(self, f: Tensor) -> Tensor:
        return self.classifier(f)  # type: ignore[no-any-return]


class VGG16(Classifier):
    """Thirteen convolutions (Simonyan 2014, arXiv:1409.1556); the grid is a thirty-second of the input."""

    def __init__(self, *, classes: int = 2, channels: int = 1, dropout: float = 0.5) -> None:
        from torchvision.models.vgg import cfgs, make_layers

        super().__init__()
        self.layers = make_layers(cfgs["D"])
        self.layers[0] = _with_channels(self.layers[0], channels)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):  # torch's own start lets the signal die in thirteen layers
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.classifier = _small_head(512, classes, dropout)

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def steps(self) -> list[nn.Sequential]:
        return _in_steps(self.layers)

    def head(self, f: Tensor) -> Tensor:
        return self.classifier(f)  # type: ignore[no-any-return]


class _ResNet(Classifier):
    def __init__(self, net: ResNet, channels: int) -> None:
        super().__init__()
        net.conv1 = _with_channels(net.conv1, channels)
        self.net = net

    def features(self, x: Tensor) -> Tensor:
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        return net.layer4(net.layer3(net.layer2(net.layer1(x))))  # type: ignore[no-any-return]

    def steps(self) -> list[nn.Module]:
        net = self.net
        stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        return [stem, *net.layer1, *net.layer2, *net.layer3, *net.layer4]

    def head(self, f: Tensor) -> Tensor:
        return self.net.fc(f.mean((2, 3)))  # type: ignore[no-any-return]


class ResNet18(_ResNet):
    """Eighteen layers (He 2015, arXiv:1512.03385); the grid is a thirty-second of the input."""

    def __init__(self, *, classes: int = 2, channels: int = 1) -> None:
        from torchvision.models import resnet18

        super().__init__(resnet18(weights=None, num_classes=classes), channels)


class ResNet50(_ResNet):
    """Fifty layers (He 2015, arXiv:1512.03385); the grid is a thirty-second of the input."""

    def __init__(self, *, classes: int = 2, channels: int = 1) -> None:
        from torchvision.models import resnet50

        super().__init__(resnet50(weights=None, num_classes=classes), channels)


class MobileNetV2(Classifier):
    """Inverted residuals (Sandler 2018, arXiv:1801.04381); the grid is a thirty-second of the input."""

    def __init__(self, *, classes: int = 2, channels: int = 1, dropout: float = 0.2) -> None:
        from torchvision.models import mobilenet_v2

        super().__init__()
        net = mobilenet_v2(weights=None, num_classes=classes, dropout=dropout)
        self.layers, self.classifier = net.features, net.classifier
        self.layers[0][0] = _with_channels(self.layers[0][0], channels)

    def features(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def steps(self) -> list[nn.Module]:
        return list(self.layers)

    def head(self, f: Tensor) -> Tensor:
        return self.classifier(f.mean((2, 3)))  # type: ignore[no-any-return]


def _grown(layer: nn.Module, x: Tensor) -> Tensor:
    """The maps and what a dense layer makes of them."""
    return torch.cat([x, layer(x)], dim=1)


class DenseNet121(Classifier):
    """Densely connected (Huang 2016, arXiv:1608.06993); the grid is a thirty-second of the input."""

    def __init__(self, *, classes: int = 2, channels: int = 1) -> None:
        from torchvision.models import densenet121

        super().__init__()
        net = densenet121(weights=None, num_classes=classes)
        self.layers, self.classifier = net.features, net.classifier
        self.layers.conv0 = _with_channels(self.layers.conv0, channels)
        self.relu = nn.ReLU()  # torchvision's overwrites its input, and with it what an explanation reads

    def features(self, x: Tensor) -> Tensor:
        return self.relu(self.layers(x))  # type: ignore[no-any-return]

    def steps(self) -> list[Callable[[Tensor], Tensor]]:
        """The first dense block, whose maps are the widest, layer by layer."""
        layers = self.layers
        stem = nn.Sequential(layers.conv0, layers.norm0, layers.relu0, layers.pool0)
        first = [partial(_grown, layer) for layer in layers.denseblock1.values()]
        blocks = [layers.transition1, layers.denseblock2, layers.transition2, layers.denseblock3]
        return [stem, *first, *blocks, layers.transition3, layers.denseblock4, layers.norm5, self.relu]

    def head(self, f: Tensor) -> Tensor:
        return self.classifier(f.mean((2, 3)))  # type: ignore[no-any-return]


class Swin(Classifier):
    """Swin (Liu 2021, arXiv:2103.14030); its tokens are laid back on their grid.

    The grid is a thirty-second of the input. The defaults are Swin-T; a smaller one learns from scratch on a
    few thousand films. depth: blocks of the third stage, the others have two. heads: of the first stage,
    doubled at each next.
    """

    def __init__(
        self,
        *,
        classes: int = 2,
        channels: int = 1,
        width: int = 96,
        depth: int = 6,
        heads: int = 3,
        window: int = 7,
    ) -> None:
        from torchvision.models import SwinTransformer

        super().__init__()
        net = SwinTransformer(
            patch_size=[4, 4],
            embed_dim=width,
            depths=[2, 2, depth, 2],
            num_heads=[heads, 2 * heads, 4 * heads, 8 * heads],
            window_size=[window, window],
            stochastic_depth_prob=0.1,
            num_classes=classes,
        )
        net.features[0][0] = _with_channels(net.features[0][0], channels)
        self.layers, self.norm, self.classifier = net.features, net.norm, net.head

    def features(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.norm(self.layers(x))
        return torch.permute(tokens, (0, 3, 1, 2))  # (N, h, w, D) -> (N, D, h, w)

    def head(self, f: Tensor) -> Tensor:
        return self.classifier(f.mean((2, 3)))  # type: ignore[no-any-return]
