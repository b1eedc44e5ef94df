"""Networks in and out of safetensors bytes."""

import io
from collections.abc import Mapping
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from core import cards
from core.card_types import Card
from core.detectors import BACKBONES, DETECTORS, Backbone, Detector, DetectorEnsemble, FeatureDetector
from core.errors import CardError
from core.models import (
    ENSEMBLES,
    FROZEN_BASE_MODELS,
    MODELS,
    SEGMENTERS,
    Classifier,
    ClassifierEnsemble,
    FrozenBase,
)
from core.models.ensemble import Member
from core.models.knn import KNN, VOTING

_BUILDERS: dict[str, type[nn.Module]] = {
    **MODELS,
    **FROZEN_BASE_MODELS,
    **ENSEMBLES,
    **DETECTORS,
    **SEGMENTERS,
}


def pack(network: nn.Module) -> bytes:
    """Kernels as fp16, everything one-dimensional as fp32: BatchNorm statistics overflow fp16.

    The file names the cards that the network stands on, so that its sha256 changes when theirs do.
    """
    own = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(_BASE)}
    cards_below = [name for name in _dependencies(network) if "@" in name]
    metadata = {"stands on": " ".join(cards_below)} if cards_below else None
    return save({name: _stored(tensor) for name, tensor in own.items()}, metadata)


def _dependencies(network: nn.Module) -> tuple[str, ...]:
    """What it stands on: a backbone's name, or cards as id@sha256."""
    if isinstance(network, FrozenBase):
        return (network.of,)
    return network.members if isinstance(network, DetectorEnsemble | ClassifierEnsemble) else ()


_BASE = "base."  # a frozen base is stored in another folder


def _stored(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.contiguous()
    return tensor.to(torch.float16 if tensor.ndim > 1 else torch.float32).contiguous()


def network(card: cards.AnyCard, root: Path = cards.WEIGHTS) -> nn.Module:
    """Build the card's network from its verified weights, frozen and in eval mode.

    Raises MissingWeights, AlteredWeights, or CardError when the weights do not fit the network.
    """
    return unpack(card, cards.weights(card, root), root)


def unpack(card: cards.AnyCard, data: bytes, root: Path = cards.WEIGHTS) -> nn.Module:
    """As `network`, from bytes at hand."""
    builders: Mapping[str, type[nn.Module]] = BACKBONES if card.kind == "backbone" else _BUILDERS
    if card.model not in builders:
        raise CardError(f"Card {card.id} asks for network {card.model!r}. Known: {', '.join(builders)}.")
    try:
        module = builders[card.model](**card.arguments)
        module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in load(data).items()})
    except (RuntimeError, TypeError, SafetensorError) as error:
        raise CardError(
            f"The weights of {card.id} do not fit {card.model}. Make them with: {card.training.command}"
        ) from error
    load_dependencies(module, root)
    return module.eval().requires_grad_(False)


def load_dependencies(module: nn.Module, root: Path = cards.WEIGHTS) -> None:
    """Set the frozen base of a network, the backbone of a detector, the members of an ensemble."""
    if isinstance(module, FeatureDetector):
        module.set_backbone(backbone(module.backbone, root))
    if isinstance(module, DetectorEnsemble):
        module.set_members([_detector(name, root) for name in module.members])
    if isinstance(module, FrozenBase):
        named_card = "@" in module.of
        module.set_base(_classifier(module.of, root)[1] if named_card else backbone(module.of, root))
    if isinstance(module, KNN):
        module.recall(*_voters(module.of, root))
    if isinstance(module, ClassifierEnsemble):
        found = [_classifier(name, root) for name in module.members]
        module.set_members([Member(network, card.input, dict(card.scales)) for card, network in found])


# Networks that others stand on: one of each for all that do, for as long as any does.
_shared: WeakValueDictionary[tuple[str, str, Path], nn.Module] = WeakValueDictionary()


def _shared_network(card: cards.AnyCard, root: Path) -> nn.Module:
    key = card.id, card.sha256, root
    found = _shared.get(key)
    if found is None:
        found = _shared[key] = network(card, root)
    return found


def backbone(name: str, root: Path = cards.WEIGHTS) -> Backbone:
    """The frozen backbone of that name: one for all that stand on it in this process."""
    found = _shared_network(cards.read(f"backbone-{name}", root), root)
    if not isinstance(found, Backbone):
        raise CardError(f"backbone-{name} holds no backbone. Make it with: python -m train.backbones")
    return found


def _detector(name: str, root: Path) -> Detector:
    card = _named(name, root)
    member = network(card, root)
    if not isinstance(member, Detector):
        raise CardError(f"{card.id} is no detector and cannot be part of an ensemble of detectors.")
    return member


def _voters(name: str, root: Path) -> tuple[Tensor, Tensor]:
    """Embeddings (M, D) and classes (M,) of the known cases that vote, of the card of that name."""
    card = _named(name, root)
    if not isinstance(card, Card):
        raise CardError(f"{card.id} is no classifier and has no known cases.")
    with np.load(io.BytesIO(cards.embeddings(card, root)), allow_pickle=False) as table:
        votes = table["split"] == VOTING
        embeddings, labels = table["embeddings"][votes], table["label"][votes]
    return torch.from_numpy(embeddings).float(), torch.tensor([card.labels.index(name) for name in labels])


def _classifier(name: str, root: Path) -> tuple[Card, Classifier]:
    card = _named(name, root)
    member = _shared_network(card, root)
    if not isinstance(member, Classifier) or not isinstance(card, Card):
        raise CardError(f"{card.id} is no classifier and cannot stand under another.")
    return card, member


def _named(name: str, root: Path) -> cards.AnyCard:
    """name: a card's id and the start of its sha256, joined by @."""
    card_id, _, start = name.partition("@")
    card = cards.read(card_id, root)
    if not card.sha256.startswith(start):
        raise CardError(f"{card_id} was trained anew since others were built on it. Make those again.")
    return card
