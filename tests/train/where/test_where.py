"""Maps on drawn scans whose outline is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core import cards
from core.card_types import Card
from core.detectors.base import Detector, DetectorOutput
from core.evaluation import localisation
from core.inference import Model
from core.models import Classifier
from core.types import InputSpec, LungFields, Scan
from train.where import measure, outlined
from train.where.outlined import SIDE, Outlined

SPEC = InputSpec(size=64, channels=1, mean=(0.0,), std=(1.0,), region="whole")
CARD = cards.read("pneumonia-cnn")
assert isinstance(CARD, Card)


class Bright(Classifier):
    """Class 1 is as probable as the scan is bright, and that is all that its maps can show."""

    passes = 0

    def features(self, x: Tensor) -> Tensor:
        self.passes += 1
        return x.clamp_min(0.5) - 0.5

    def head(self, f: Tensor) -> Tensor:
        mean = f.mean((1, 2, 3))
        return torch.stack([torch.zeros_like(mean), mean], dim=1)


class Hot(Detector):
    def score(self, x: Tensor) -> DetectorOutput:
        return DetectorOutput(x.mean((1, 2, 3)), x[:, 0], None)


def scan(row: int, *, chooses: bool) -> Outlined:
    """A dark scan, wider than high, with a bright square inside a region."""
    pixels = np.zeros((128, 256), dtype=np.float32)
    pixels[row : row + 32, 64:128] = 1
    outline = np.zeros((SIDE, SIDE), dtype=bool)
    outline[row : row + 32, 32:64] = True
    region = np.zeros((SIDE, SIDE), dtype=bool)
    region[16:112, 16:112] = True
    fields = LungFields(region, (0.0, 0.0, 128.0, 256.0), 0.5, 0.9, (0.2, 0.2))
    return Outlined(Scan(pixels, str(row), "drawn"), fields, region, outline, chooses)


@pytest.fixture
def scans() -> list[Outlined]:
    return [scan(row, chooses=row % 2 == 0) for row in (40, 41, 42, 43)]


@pytest.mark.parametrize("network", [Bright(), Hot()])
def test_a_map_of_what_is_bright_finds_what_is_bright_on_a_scan_of_another_shape(
    network: torch.nn.Module, scans: list[Outlined]
):
    model = Model(replace(CARD, input=SPEC), network.eval())
    ((name, row),) = measure.localise(model, scans, ["hires-cam"]).items()
    assert name == ("hires-cam" if isinstance(network, Classifier) else measure.MAP)
    assert (row.n, row.chosen_on) == (2, 2)
    assert row.pointing == 1
    assert row.average_precision > 0.9


def test_a_scan_passes_the_network_once_for_all_methods(scans: list[Outlined]):
    network = Bright().eval()
    model = Model(replace(CARD, input=SPEC), network)
    assert len(list(measure.maps_of(model, scans[0], ["grad-cam", "hires-cam", "layer-cam"]))) == 3
    assert network.passes == 1


def test_maps_that_know_nothing_go_by_the_region_and_by_the_other_scans(scans: list[Outlined]):
    found = measure.blind(scans)
    assert set(found) == set(localisation.BASELINES)
    share = scans[0].outline.sum() / scans[0].region.sum()
    assert found[localisation.EVEN].pointing == pytest.approx(share, abs=1e-3)
    assert found[localisation.MEAN_OUTLINE].pointing > 0.95  # all lie in nearly the same place
    assert found[localisation.CENTRE].pointing == 0.5  # the middle lies on the outline's edge


def test_boxes_are_drawn_on_the_small_grid():
    mask = outlined.draw_boxes([[0, 512, 256, 512], [512, 0, 8, 8]])
    assert mask[SIDE // 2 :, : SIDE // 4].all()
    assert mask.sum() == SIDE // 2 * (SIDE // 4) + 1


def test_new_rows_stand_beside_old_ones_of_the_same_set(scans: list[Outlined]):
    row = measure.blind(scans)[localisation.EVEN]
    known = {"a": {"grad-cam": row, "occlusion": row}}
    found = measure.merged(known, {"a": {"grad-cam": replace(row, n=9)}})
    assert {name: value.n for name, value in found["a"].items()} == {"grad-cam": 9, "occlusion": 2}


def test_films_that_choose_are_never_reported(data: Path):
    for read in (outlined.lesions, outlined.boxes):
        films = list(read(data))
        chosen, reported = ({o.scan.digest for o in films if o.chooses is side} for side in (True, False))
        assert chosen
        assert reported
        assert not chosen & reported
        assert all(o.outline.any() for o in films)
