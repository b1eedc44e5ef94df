"""Lesions drawn into heads, and where the brain is."""

import pytest
import torch
from torch import Generator, Tensor

from core.anatomy import heads
from core.preprocess import stretch
from tests.phantoms.heads import slice_with
from train.synthesis import brain_masks
from train.synthesis.head_lesions import HEAD_LESIONS, HEMORRHAGES, draw_lesion, draw_random_lesion
from train.synthesis.validation_lesions import UNSEEN_HEAD_LESIONS


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


@pytest.mark.parametrize("kind", sorted(HEAD_LESIONS))
def test_a_lesion_is_drawn_inside_the_brain_and_marked_there(kind: str, head: tuple[Tensor, Tensor]):
    x, brain = head
    abnormal, marked = draw_lesion(kind, x, brain, Generator().manual_seed(0))
    assert float(marked.sum()) > 0
    assert float((marked * (1 - brain)).sum()) == 0
    change = ((abnormal - x) * marked).sum() / marked.sum()
    assert change > 0.03 if kind in HEMORRHAGES else change < -0.03


def test_slices_without_brain_stay_as_they_are(head: tuple[Tensor, Tensor]):
    x, brain = head
    abnormal, marked = draw_random_lesion(x, torch.zeros_like(brain), Generator().manual_seed(0))
    assert torch.equal(abnormal, x)
    assert not marked.any()
    assert draw_random_lesion(x, brain, Generator().manual_seed(0))[1].any()


def test_validation_draws_what_nobody_is_trained_on():
    assert not HEAD_LESIONS.keys() & UNSEEN_HEAD_LESIONS.keys()
