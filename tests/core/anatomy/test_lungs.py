import gc
from pathlib import Path

import numpy as np
import pytest
import torch

from core import cards, gate
from core.anatomy import lungs
from core.card_types import SegmenterCard
from core.models import UNet
from core.reading import images
from core.resample import as_film
from core.types import Scan
from tests.phantoms.chest import chest, png


def test_lungs_are_found_on_a_drawn_film(drawn: Scan):
    fields = lungs.find(drawn)
    height, width = drawn.pixels.shape
    assert fields.mask[int(0.4 * height), int(0.3 * width)]
    assert fields.mask[int(0.4 * height), int(0.7 * width)]
    assert not fields.mask[int(0.4 * height), int(0.5 * width)]
    assert not fields.mask[: int(0.1 * height)].any()


def test_the_box_holds_the_mask_and_a_margin(drawn: Scan):
    fields = lungs.find(drawn)
    rows, columns = np.flatnonzero(fields.mask.any(1)), np.flatnonzero(fields.mask.any(0))
    top, left, bottom, right = fields.box
    assert top < rows[0]
    assert left < columns[0]
    assert bottom > rows[-1]
    assert right > columns[-1]


def test_an_empty_mask_boxes_the_whole_film():
    assert lungs.box_of(np.zeros((8, 8), dtype=bool)) == (0.0, 0.0, 1.0, 1.0)


def test_the_box_is_in_fractions_with_its_margin():
    mask = np.zeros((10, 20), dtype=bool)
    mask[2:5, 10:15] = True
    # rows 2 to 5 of 10, columns 10 to 15 of 20, 0.04 around
    assert lungs.box_of(mask) == pytest.approx((0.16, 0.46, 0.54, 0.79))


def test_only_the_two_largest_islands_are_lungs():
    probability = torch.zeros(100, 100)
    probability[10:40, 10:40] = 0.9
    probability[10:40, 60:90] = 0.8
    probability[60:80, 40:60] = 0.7
    probability[95:97, 95:97] = 0.9
    mask = lungs.clean(probability)
    assert mask.sum() == 2 * 30 * 30
    assert not mask[60:].any()


def test_a_black_lung_field_that_turned_white_still_lies_in_the_box():
    film = chest()
    left, _, right = film[:, :112], None, film[:, 112:]
    opaque = np.concatenate([np.maximum(left, 0.6 * (left > 0.1)), right], axis=1).astype(np.float32)
    clear_box = lungs.find(images.read(png(film), "clear")).box
    opaque_box = lungs.find(images.read(png(opaque), "opaque")).box
    assert opaque_box[1] == pytest.approx(clear_box[1], abs=0.12 * 224)
    assert opaque_box[3] == pytest.approx(clear_box[3], abs=0.12 * 224)


def test_the_shipped_card_states_dice_on_held_out_masks():
    card = cards.read("lung-fields")
    assert isinstance(card, SegmenterCard)
    assert card.report["test"]["dice"] >= 0.95
    assert card.report["test"]["box_iou_one_lung_opaque"] >= 0.9


def test_the_box_follows_lungs_that_one_side_hides(data: Path):
    """The films with the least visible lung on one side keep both sides in the box."""
    names = [
        "person692_virus_1286",
        "person1502_bacteria_3922",
        "person442_virus_901",
        "person1493_bacteria_3897",
    ]
    for name in names:
        path = data / "chest_xray/train/PNEUMONIA" / f"{name}.jpeg"
        scan = images.read(path.read_bytes(), path.name)
        _, left, _, right = lungs.boxes(as_film(scan.pixels))[0].tolist()
        assert left < 0.25
        assert right > 0.75
        assert min(lungs.find(scan).sides) > 0.05


def test_the_hull_of_a_large_film_is_the_hull_on_the_small_grid():
    mask = np.zeros((lungs.SIZE, lungs.SIZE), dtype=bool)
    mask[40:80, 20:50], mask[40:80, 80:110] = True, True
    large = np.kron(mask, np.ones((3, 5), dtype=bool))
    assert (lungs.hull_in(large) == np.kron(lungs.hull(mask), np.ones((3, 5), dtype=bool))).all()
    assert lungs.hull_in(large)[180, 5 * 64]  # between the lungs


def test_a_network_looks_at_a_scan_once_and_forgets_it_with_the_scan(monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    look = lungs.probabilities_and_features

    def counted(films: torch.Tensor, segmenter: UNet) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(segmenter)
        return look(films, segmenter)

    monkeypatch.setattr(lungs, "probabilities_and_features", counted)
    scan = images.read(png(chest(opacity=0.4)), "once.png")
    first = lungs.find(scan)
    gate.describe(scan)
    assert np.array_equal(lungs.find(scan).mask, first.mask)
    assert asked == [lungs.network()]
    held = len(lungs._seen)
    del scan
    gc.collect()
    assert len(lungs._seen) == held - 1
