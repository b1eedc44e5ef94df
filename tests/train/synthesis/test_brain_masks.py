"""Where the brain is on a drawn head."""

import pytest
import torch
from torch import Tensor

from core.anatomy import heads
from core.preprocess import stretch
from tests.phantoms.heads import slice_with
from train.synthesis import brain_masks


@pytest.fixture(scope="module")
def head() -> tuple[Tensor, Tensor]:
    """Four drawn heads, aligned, and their brains."""
    film = slice_with(0.1, 0.15, 0.9, 0.85).repeat(4, 1, 1, 1)
    x = brain_masks.aligned(film, heads.boxes(film), 96)
    rows = torch.linspace(-1, 1, 96).view(1, 1, -1, 1)
    dark = (rows.abs() < 0.3) & (rows.transpose(2, 3).abs() < 0.3)
    x = torch.where(dark, x - 0.25, x)  # ventricles
    return stretch(x), brain_masks.brain_masks(x, bone=True)


def test_the_brain_lies_within_the_skull(head: tuple[Tensor, Tensor]):
    x, brain = head
    assert 0.4 < float(brain.mean()) < 0.7
    assert float((brain * (x > 0.9)).sum() / brain.sum()) < 0.01


def test_a_slice_without_a_skull_shows_no_brain():
    assert not brain_masks.brain_masks(torch.zeros(1, 1, 96, 96), bone=True).any()


def test_brains_are_put_back_to_where_they_were():
    film = slice_with(0.2, 0.4, 0.8, 0.9)
    found = brain_masks.masks_in_films(film, heads.boxes(film), bone=True)
    assert float((found * ((film > 0.4) & (film < 0.6))).sum() / found.sum()) > 0.97
