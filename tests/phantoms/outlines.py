"""A card that outlines whatever is bright, so that what it marks is known."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from core import cards
from core.card_types import SegmenterCard
from core.names import BRAIN_MRI, CHEST_FILM
from core.types import InputSpec, Region

LUNGS = cards.read("lung-fields")
assert isinstance(LUNGS, SegmenterCard)


class Bright(nn.Module):
    """Probable where the stretched picture is nearly white."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - 0.9) * 100


def card(region: Region = "whole", smallest: float = 0.0) -> SegmenterCard:
    """region: what it looks at. smallest: share of the scan that a mark must have."""
    assert isinstance(LUNGS, SegmenterCard)
    return replace(
        LUNGS,
        id="bright-outline",
        task="bright outline",
        modality=CHEST_FILM if region == "lungs" else BRAIN_MRI,
        input=InputSpec(size=224, channels=1, mean=(0.0,), std=(1.0,), region=region),
        labels=("background", "tumour"),
        threshold=0.5,
        smallest=smallest,
    )


def squares(*corners: tuple[int, int], side: int = 20) -> Tensor:
    """(224, 224), white squares on grey. corners: top and left of each."""
    film = torch.full((224, 224), 0.3)
    for top, left in corners:
        film[top : top + side, left : left + side] = 1.0
    return film
