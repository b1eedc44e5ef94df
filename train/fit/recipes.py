"""How each network is trained: its input, where it starts from, how long and how fast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from core.models import FROZEN_BASE_MODELS, MODELS, Classifier
from core.models.backbones import MEAN, STD
from core.types import InputSpec, Region
from train.fit import loop


@dataclass(frozen=True, slots=True)
class Recipe:
    """pretrained: the torchvision network it starts from, and how names differ (theirs -> ours).

    warm_up: epochs in which the head alone learns. frozen: names of parameters that never learn start so.
    distilled: whether it also learns to tell what a large pretrained network sees.
    processing: augmentations in FILM_PROCESSING beside the usual ones.
    """

    model: str
    title: str
    size: int
    settings: loop.Settings
    channels: int = 1
    arguments: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    pretrained: str = ""
    names: tuple[tuple[str, str], ...] = ()
    warm_up: int = 0
    frozen: tuple[str, ...] = ()
    distilled: bool = False
    processing: tuple[str, ...] = ()
    remark: str = ""

    def input(self, region: Region) -> InputSpec:
        if self.channels == 3:
            return InputSpec(self.size, 3, MEAN, STD, region)
        return InputSpec(self.size, 1, (0.5,), (0.25,), region)


SMALL_HEAD = "The published dense layers of 50 M weights and more are replaced by pooling and a small head."
SCRATCH = "No weights from photographs: from scratch, learning beside the labels what DINOv2 sees in a film."


def from_scratch(epochs: int, rate: float, average: float = 0.998) -> loop.Settings:
    """Settings for a network without pretrained weights.

    epochs: at most.
    rate: of learning, at its highest.
    average: decay of the averaged weights.
    """
    return loop.Settings(epochs=epochs, learning_rate=rate, weight_decay=5e-2, average=average)


def fine_tuned(epochs: int, rate: float) -> loop.Settings:
    return loop.Settings(epochs=epochs, learning_rate=rate, weight_decay=2e-2, average=0.99, patience=4)


RECIPES: dict[str, Recipe] = {
    "cnn": Recipe("cnn", "Small CNN", 160, from_scratch(30, 2e-3), distilled=True, remark=SCRATCH),
    "cnn-transformer": Recipe(
        "cnn-transformer",
        "CNN + Transformer",
        112,
        from_scratch(24, 2e-3, 0.995),
        distilled=True,
        remark=SCRATCH,
    ),
    "alexnet": Recipe(
        "alexnet",
        "AlexNet",
        224,
        fine_tuned(12, 3e-4),
        channels=3,
        pretrained="alexnet",
        names=(("features.", "layers."),),
        warm_up=1,
        remark=SMALL_HEAD,
    ),
    "vgg16": Recipe(
        "vgg16",
        "VGG16",
        128,
        fine_tuned(4, 1e-4),
        channels=3,
        pretrained="vgg16",
        names=(("features.", "layers."),),
        frozen=tuple(f"layers.{layer}." for layer in (0, 2, 5, 7, 10, 12, 14)),
        remark=f"The first seven layers stay as photographs taught them. {SMALL_HEAD}",
    ),
    "resnet50": Recipe(
        "resnet50-frozen",
        "ResNet-50",
        160,
        fine_tuned(5, 2e-4),
        channels=3,
        arguments={"of": "resnet50"},
        pretrained="resnet50",
        names=(("layer4.", "layer4."),),
        remark="All but the last stage stay as photographs taught them.",
    ),
    "densenet121": Recipe(
        "densenet121", "DenseNet121", 128, from_scratch(12, 2e-3, 0.995), distilled=True, remark=SCRATCH
    ),
    "swin": Recipe(
        "swin",
        "Swin, small",
        112,
        from_scratch(40, 4e-4, 0.995),
        arguments={"width": 48, "depth": 2, "heads": 3},
        distilled=True,
        remark=SCRATCH,
    ),
    "mobilenet-v2": Recipe(
        "mobilenet-v2",
        "MobileNetV2",
        192,
        fine_tuned(20, 1e-3),
        channels=3,
        pretrained="mobilenet_v2",
        names=(("features.", "layers."),),
        warm_up=1,
    ),
}


def build(recipe: Recipe, classes: int) -> Classifier:
    """The network with fresh weights. Its frozen base is still to be set."""
    if recipe.model in FROZEN_BASE_MODELS:
        kind = FROZEN_BASE_MODELS[recipe.model]
        return kind(**recipe.arguments, classes=classes)  # type: ignore[arg-type, call-arg]
    return MODELS[recipe.model](**arguments(recipe, classes))


def arguments(recipe: Recipe, classes: int) -> dict[str, bool | int | float | str]:
    """What a card needs to build the network again."""
    given: dict[str, bool | int | float | str] = {**recipe.arguments, "classes": classes}
    return given if recipe.model in FROZEN_BASE_MODELS else {**given, "channels": recipe.channels}


def initialise(network: nn.Module, recipe: Recipe, init: str) -> None:
    """Take what fits from pretrained weights, and freeze what is to stay.

    network: it is changed.
    recipe: names the pretrained network and what is frozen.
    init: a folder with <network>.safetensors or <network>_features.safetensors, or "imagenet" for
        torchvision's own download. Raises SystemExit when there are none to be had.
    """
    if recipe.pretrained:
        given = _weights(recipe.pretrained, init)
        own = network.state_dict()
        found = {
            new + name.removeprefix(old): tensor.float()
            for old, new in recipe.names
            for name, tensor in given.items()
            if name.startswith(old)
        }
        fitting = {name: tensor for name, tensor in found.items() if own[name].shape == tensor.shape}
        if not fitting:
            raise SystemExit(f"Nothing in the weights of {recipe.pretrained} fits {recipe.model}.")
        network.load_state_dict({**own, **fitting})
    for name, parameter in network.named_parameters():
        if name.startswith(("base.", *recipe.frozen)):
            parameter.requires_grad_(False)


def _weights(name: str, init: str) -> dict[str, Tensor]:
    if init == "imagenet":
        weights = torchvision.models.get_model_weights(name).DEFAULT
        try:
            return dict(weights.get_state_dict(progress=True))
        except OSError as error:  # of the network too
            raise SystemExit(
                f"The ImageNet weights of {name} cannot be downloaded ({error}). Name a folder that holds "
                f"{name}.safetensors with --init."
            ) from error
    for path in (Path(init) / f"{name}.safetensors", Path(init) / f"{name}_features.safetensors"):
        if path.is_file():
            return dict(load_file(path))
    raise SystemExit(f"{init} holds no {name}.safetensors. Give --init imagenet to download torchvision's.")
