"""Networks in and out of safetensors bytes."""

from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from core import cards
from core.detectors import DETECTORS
from core.errors import CardError
from core.models import MODELS, SEGMENTERS

_BUILDERS: dict[str, type[nn.Module]] = {**MODELS, **DETECTORS, **SEGMENTERS}


def pack(network: nn.Module) -> bytes:
    """Kernels as fp16, everything one-dimensional as fp32: BatchNorm statistics overflow fp16."""
    return save({name: _stored(tensor) for name, tensor in network.state_dict().items()})


def _stored(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.contiguous()
    return tensor.to(torch.float16 if tensor.ndim > 1 else torch.float32).contiguous()


def network(card: cards.AnyCard, root: Path = cards.WEIGHTS) -> nn.Module:
    """Build the card's network from its verified weights, frozen and in eval mode.

    Raises MissingWeights, AlteredWeights, or CardError when the weights do not fit the network.
    """
    return unpack(card, cards.weights(card, root))


def unpack(card: cards.AnyCard, data: bytes) -> nn.Module:
    """As `network`, from bytes at hand."""
    if card.model not in _BUILDERS:
        raise CardError(f"Card {card.id} asks for network {card.model!r}. Known: {', '.join(_BUILDERS)}.")
    module = _BUILDERS[card.model](**card.arguments)
    try:
        module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in load(data).items()})
    except RuntimeError as error:
        raise CardError(
            f"The weights of {card.id} do not fit {card.model}. Make them with: {card.training.command}"
        ) from error
    return module.eval().requires_grad_(False)
