"""What teaches a network to outline."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.models import MobileUNet, OutlineHead
from core.models.base import Classifier
from core.types import Frame
from train.data.datasets import Case
from train.data.hospitals import Film
from train.outlines import chest, learning


def test_film_and_outline_move_together():
    film = torch.zeros(4, 1, 64, 64)
    film[:, :, 20:40, 24:44] = 1.0
    box = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(4, 4)
    x, y = learning.moved(film, film.clone(), box, 64, torch.Generator().manual_seed(0))
    assert torch.equal(x, y)
    assert not torch.equal(x, film)


def test_the_loss_falls_with_overlap_and_rises_with_marks_on_nothing():
    truth = torch.zeros(1, 1, 16, 16)
    truth[..., 4:12, 4:12] = 1.0
    right, wrong = (truth * 2 - 1) * 8, (1 - truth * 2) * 8
    assert learning.loss(right, truth) < 0.01 < learning.loss(wrong, truth)
    empty = torch.zeros_like(truth)
    assert learning.loss(empty - 8, empty) < learning.loss(empty, empty)


def test_the_mobile_unet_answers_once_per_pixel():
    network = MobileUNet().eval()
    assert network(torch.rand(2, 3, 64, 96)).shape == (2, 1, 64, 96)


class Halves(Classifier):
    """Calls a film sick when it is bright."""

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(x, 8)

    def head(self, f: torch.Tensor) -> torch.Tensor:
        bright = f.mean((1, 2, 3)) * 100 - 50
        return torch.stack([-bright, bright], dim=1)


def test_a_film_that_the_classifier_calls_normal_is_marked_less():
    network = OutlineHead(of="some", maps=1).eval()
    network.set_base(Halves())
    with torch.no_grad():
        network.gate.weight.fill_(1.0)
        network.fine[-1].weight.zero_()
        bright, dark = network(torch.ones(1, 1, 64, 64)), network(torch.zeros(1, 1, 64, 64))
    assert bright.shape == (1, 1, 64, 64)
    assert float(bright.mean() - dark.mean()) == pytest.approx(8.0, abs=1e-4)  # odds have limits, both ways


def test_a_box_stands_for_its_ellipse_and_its_corners_count_for_nothing(tmp_path: Path):
    folder = tmp_path / "adults_rsna_128"
    folder.mkdir()
    boxes = json.dumps([[256.0, 256.0, 512.0, 512.0]])
    head = "file,boxes_left_top_width_height_of_1024"
    (folder / "labels.csv").write_text(f'{head}\na.jpg,"{boxes}"\n')
    film = Film(Case(Path("a.jpg"), "a.jpg", "opacity", "p", "train"), "rsna128", "opacity")
    inside, counted = chest.truth_of(film, (128, 128), tmp_path)
    assert inside[128, 128] == 1
    assert inside[66, 66] == 0
    assert counted[66, 66] == 0  # a corner of the box
    assert counted[0, 0] == 1
    assert inside.mean() == pytest.approx(np.pi / 4 * 0.25, abs=0.01)


def test_an_outline_is_cut_to_what_the_network_sees():
    mask = np.zeros((100, 100), dtype=np.float32)
    mask[:50] = 1
    cut = chest.in_frame(mask, Frame((0.0, 0.0, 50.0, 100.0), (100, 100)))
    assert cut.shape == (1, chest.SIDE, chest.SIDE)
    assert cut.mean() > 0.97
