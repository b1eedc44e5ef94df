"""Training of the lung segmenter, on drawn films whose lungs are known."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from core import cards
from core.anatomy import lungs as anatomy
from core.card_types import SegmenterCard
from core.reading import images
from core.resample import FILM_SIZE
from tests.phantoms.chest import chest, png
from train import lungs


def ellipses(side: int = FILM_SIZE, *, lean: float = 0.0) -> Tensor:
    """(1, 1, side, side), 1 in two lungs, moved to the right by a share of the film."""
    y, x = np.mgrid[0:side, 0:side] / side
    inside = [((x - centre - lean) / 0.13) ** 2 + ((y - 0.5) / 0.3) ** 2 < 1 for centre in (0.3, 0.7)]
    return torch.from_numpy(inside[0] | inside[1]).float()[None, None]


class Same(nn.Module):
    """Takes bright places for lung."""

    def __init__(self, sign: float = 1.0) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, x: Tensor) -> Tensor:
        return self.sign * 20 * (x - 0.5)


class Fixed(nn.Module):
    """Finds the same lungs in every film."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.mask = F.interpolate(mask, size=(anatomy.SIZE, anatomy.SIZE), mode="area")

    def forward(self, x: Tensor) -> Tensor:
        return (20 * (self.mask - 0.5)).expand(len(x), -1, -1, -1)


def test_film_and_mask_are_moved_together():
    films = torch.cat([ellipses(), ellipses(lean=0.05)])
    x, y = lungs.warp(films, films, Generator().manual_seed(0))
    assert torch.equal(x, y)
    assert x.shape == (2, 1, anatomy.SIZE, anatomy.SIZE)
    again, _ = lungs.warp(films, films, Generator().manual_seed(0))
    other, _ = lungs.warp(films, films, Generator().manual_seed(1))
    assert torch.equal(x, again)
    assert not torch.equal(x, other)


def test_the_loss_is_smaller_for_the_lungs_than_for_all_else():
    films = ellipses().expand(4, -1, -1, -1)
    right, wrong = (
        float(lungs.batch_loss(Same(sign), films, films, Generator().manual_seed(0))) for sign in (1, -1)
    )
    assert right < 0.5 * wrong


def test_dice_of_what_is_right_is_one_and_of_nothing_is_zero():
    masks = torch.cat([ellipses(), ellipses(lean=0.04)])
    assert lungs.dice_scores(Same(), masks, masks).tolist() == pytest.approx([1, 1], abs=0.01)
    assert lungs.dice_scores(Same(), torch.zeros_like(masks), masks).tolist() == [0, 0]
    assert lungs.mean_dice(Fixed(masks[:1]), masks, masks) == pytest.approx(
        float(lungs.dice_scores(Fixed(masks[:1]), masks, masks).mean())
    )


def test_a_box_that_is_too_far_right_overlaps_by_the_known_share():
    mask, lean = ellipses(), 0.1
    assert lungs.box_ious(Same(), mask, mask).item() == pytest.approx(1)
    width = 2 * (0.2 + 0.13 + anatomy.MARGIN)  # of the box around both
    overlap = lungs.box_ious(Fixed(ellipses(lean=lean)), mask, mask).item()
    assert overlap == pytest.approx((width - lean) / (width + lean), abs=0.03)


def test_stress_is_measured_one_by_one():
    masks = torch.cat([ellipses(), ellipses(lean=0.03)])
    figures = lungs.evaluate_segmenter(Same(), masks, masks)
    assert figures["n"] == 2
    for name in ("dice", "dice_zoomed_in", "dice_turned_15_degrees", "dice_low_contrast", "box_iou"):
        assert figures[name] == pytest.approx(1, abs=0.03), name
    fixed = lungs.evaluate_segmenter(Fixed(masks[:1]), masks, masks)
    assert fixed["dice"] > fixed["dice_worst"] > fixed["dice_zoomed_out"] - 0.2
    assert fixed["dice_zoomed_out"] < 0.9


def test_a_run_ends_in_a_card_of_the_weights_it_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data, written = tmp_path / "data", []
    for n in range(24):
        label, stem = ("NORMAL", f"IM-{n:04}-0001") if n % 2 else ("PNEUMONIA", f"person{n}_bacteria_{n}")
        for folder in ("chest_xray/train", "lung_masks/train", "chest_xray/test"):
            (data / folder / label).mkdir(parents=True, exist_ok=True)
        (data / "chest_xray/train" / label / f"{stem}.png").write_bytes(png(chest(96, seed=n)))
        (data / "lung_masks/train" / label / f"{stem}.png").write_bytes(png(ellipses(96)[0, 0].numpy()))
    for n in range(24):
        place, label = ("shenzhen" if n < 18 else "montgomery"), ("normal" if n % 2 else "tuberculosis")
        (data / "tuberculosis" / place / label).mkdir(parents=True, exist_ok=True)
        (data / "tuberculosis/lung_masks").mkdir(parents=True, exist_ok=True)
        (data / "tuberculosis" / place / label / f"X{n}.png").write_bytes(png(chest(96, seed=n)))
        (data / "tuberculosis/lung_masks" / f"X{n}.png").write_bytes(png(ellipses(96)[0, 0].numpy()))
    command = ["lungs", "--data", str(data), "--epochs", "1", "--runs", str(tmp_path / "runs")]
    monkeypatch.setattr("sys.argv", command)
    monkeypatch.setattr(cards, "write", lambda *parts: written.append(parts))
    lungs.main()
    ((card, weights, table),) = written
    assert isinstance(card, SegmenterCard)
    assert table is None
    assert card.sha256 == hashlib.sha256(weights).hexdigest()
    figures = {name: row["n"] for name, row in card.report.items()}
    assert figures["validation"] == card.data["validation"]
    assert figures["test"] == card.data["test"]
    assert figures["test, montgomery"] == 6  # all of them: a hospital left out
    assert sum(n for name, n in figures.items() if name.startswith("test, ")) == figures["test"]
    assert card.data["train"] + card.data["validation"] + card.data["test"] == card.data["patients"] == 48
    assert len(card.training.curve) == 1


def test_masks_are_read_as_zero_and_one(tmp_path: Path):
    path = tmp_path / "mask.png"
    path.write_bytes(png(ellipses(96)[0, 0].numpy()))
    case = lungs.Case(path, "mask.png", "normal", "0", "train")
    mask = lungs.load_masks([case], {"mask.png": path})
    assert mask.unique().tolist() == [0, 1]
    assert mask.shape == (1, 1, FILM_SIZE, FILM_SIZE)
    assert float(mask.mean()) == pytest.approx(
        float(images.read(path.read_bytes(), "m").pixels.mean()), abs=0.01
    )
