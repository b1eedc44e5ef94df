"""Heads found by their brightness."""

import numpy as np
import pytest
import torch

from core.anatomy import heads
from core.preprocess import align
from core.types import InputSpec, Scan
from tests.phantoms.heads import slice_with


def test_the_box_lies_around_the_head_with_a_margin():
    box = heads.boxes(slice_with(0.2, 0.3, 0.8, 0.75))[0].tolist()
    assert box == pytest.approx([0.18, 0.28, 0.82, 0.77], abs=0.015)


def test_the_table_and_a_frame_do_not_count():
    film = slice_with(0.2, 0.3, 0.8, 0.75)
    expected = heads.boxes(film)
    film[..., :3, :] = 1.0
    film[..., 214:217, 40:180] = 1.0
    assert torch.equal(heads.boxes(film), expected)


def test_a_picture_without_a_head_is_shown_whole():
    assert heads.boxes(torch.zeros(1, 1, 224, 224)).tolist() == [[0.0, 0.0, 1.0, 1.0]]
    assert not heads.masks(torch.zeros(1, 1, 224, 224)).any()


def test_two_framings_of_a_head_align_to_the_same_tensor():
    spec = InputSpec(size=64, channels=1, mean=(0.5,), std=(0.25,), region="head")
    near, far = (
        align(Scan(slice_with(*box)[0, 0].numpy().astype(np.float32), "", "head"), spec)
        for box in ((0.05, 0.1, 0.95, 0.9), (0.25, 0.3, 0.75, 0.75))
    )
    assert (
        float((near[0] - far[0]).abs().mean()) < 0.4
    )  # one is finer than the other, and the margin is of the film
    assert near[1].box != far[1].box
