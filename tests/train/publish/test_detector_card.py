"""What goes onto a detector's card, from data and networks too small to matter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Generator, Tensor

from core.detectors import Backbone, Sharpness
from core.types import InputSpec
from train.data.datasets import Case
from train.data.sources import SOURCES, _abnormal_to_test, _balance_validation, group_near_duplicates
from train.fit.feature_cache import CachedBackbone
from train.publish.detector_card import draft_detector_card
from train.publish.detector_metrics import (
    equalise_sharpness,
    sharpness,
    sharpness_inside,
    size_of,
    yardstick_scores,
)
from train.publish.provenance import Trained
from train.publish.report import tabulate, with_report

SPEC = InputSpec(size=224, channels=1, mean=(0.0,), std=(1.0,), region="whole")


def cases(source_labels: tuple[str, ...] = ("normal", "pneumonia")) -> list[Case]:
    return [
        Case(Path(f"{label}-{split}-{n}"), f"{label}-{split}-{n}", label, str(n), split)
        for split in ("train", "validation", "test")
        for label in source_labels
        for n in range(20)
    ]


def detail(*, seed: int = 0) -> Trained[Sharpness]:
    return Trained(
        card_id="chest-detail",
        model="detail",
        arguments={},
        input=SPEC,
        network=Sharpness(),
        cases=cases(),
        seed=seed,
    )


def test_the_threshold_comes_from_normal_validation_scans_alone():
    held = [case for case in cases() if case.split != "train"]
    rng = np.random.default_rng(0)
    scores = np.array([rng.normal(4 * (case.label != "normal")) for case in held])
    card = draft_detector_card(detail(), SOURCES["chest"])
    table = tabulate(held, scores)
    done = with_report(card, table)
    normals = table.score[[c.label == "normal" and c.split == "validation" for c in held]]
    assert done.threshold == pytest.approx(normals.mean() + normals.std())
    shuffled = scores.copy()
    shuffled[[c.label != "normal" for c in held]] += 9
    assert with_report(card, tabulate(held, shuffled)).threshold == pytest.approx(done.threshold)


def test_a_card_says_what_it_was_made_from():
    card = draft_detector_card(detail(seed=3), SOURCES["chest"])
    assert card.kind == "detector"
    assert card.seed == 3
    assert card.labels == ("normal", "pneumonia")
    assert card.data["train normal"] == 20
    assert "train pneumonia" not in card.data
    assert card.limitations


def test_abnormal_validation_scans_are_thinned_to_as_many_as_the_normals():
    extra = [replace(case, name=f"more-{k}-{case.name}") for k in range(3) for case in cases()]
    kept = _balance_validation(
        [c for c in [*cases(), *extra] if c.split != "validation" or c.label == "pneumonia"]
        + [case for case in cases() if case.split == "validation" and case.label == "normal"]
    )
    held = [case.label for case in kept if case.split == "validation"]
    assert held.count("normal") == held.count("pneumonia") == 20


def test_an_abnormal_case_that_nothing_learns_from_goes_to_the_test():
    abnormal, normal = (Case(Path("a"), "a", label, "1", "train") for label in ("stroke", "normal"))
    assert _abnormal_to_test(abnormal).split == "test"
    assert _abnormal_to_test(normal).split == "train"


def test_slices_that_look_the_same_stay_on_one_side(tmp_path: Path):
    rng = np.random.default_rng(0)
    first, other = (ndimage.gaussian_filter(rng.random((64, 64)), 3) for _ in range(2))
    shown = {"first": first, "twin": first + 0.001 * rng.random((64, 64)), "other": other}
    for name, pixels in shown.items():
        stretched = (pixels - pixels.min()) / np.ptp(pixels)
        Image.fromarray((255 * stretched).astype(np.uint8)).save(tmp_path / f"{name}.png")
    found = group_near_duplicates([Case(tmp_path / f"{n}.png", n, "normal", n, "train") for n in shown])
    patients = {case.name: case.patient for case in found}
    assert patients["first"] == patients["twin"] != patients["other"]


def test_equalised_films_are_equally_sharp():
    generator = Generator().manual_seed(0)
    noise = torch.rand(6, 1, 224, 224, generator=generator)
    smooth = torch.nn.functional.avg_pool2d(noise, 5, 1, 2)
    films = torch.cat([noise[:3], smooth[3:]])
    before, after = sharpness(films), sharpness(equalise_sharpness(films))
    assert before.max() / before.min() > 2
    assert after.max() / after.min() < 1.35
    assert torch.equal(equalise_sharpness(films)[before.argmin()], films[before.argmin()])


def test_detail_is_made_equal_inside_the_boxes_whatever_lies_outside():
    noise = torch.rand(6, 1, 224, 224, generator=Generator().manual_seed(0))
    films = torch.nn.functional.avg_pool2d(noise, 5, 1, 2)
    films[:3, :, 56:168, 56:168] = noise[:3, :, 56:168, 56:168]
    boxes = torch.tensor([[0.25, 0.25, 0.75, 0.75]]).expand(6, -1)
    before = sharpness_inside(films, boxes)
    after = sharpness_inside(equalise_sharpness(films, boxes), boxes)
    assert before.max() / before.min() > 2
    assert after.max() / after.min() < 1.35


def test_a_less_sharp_film_scores_higher_on_the_yardstick():
    noise = torch.rand(1, 1, 224, 224, generator=Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(noise, 3, 1, 1)
    scores = yardstick_scores(torch.cat([noise, blurred]))
    assert scores[0] < scores[1]


class Counting(Backbone):
    grid, widths = 2, (3,)

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        self.seen += len(x)
        return (torch.nn.functional.adaptive_avg_pool2d(x, 2),)


def test_a_scan_goes_through_its_backbone_once(tmp_path: Path):
    x = torch.rand(3, 3, 8, 8, generator=Generator().manual_seed(0))
    backbone = Counting()
    cached = CachedBackbone(backbone, tmp_path)
    first = cached(x[:2])[0]
    again = cached(x)[0]
    assert backbone.seen == 3
    assert torch.equal(first, again[:2])
    assert again == pytest.approx(backbone(x)[0], abs=1e-3)


def test_another_backbone_is_asked_anew(tmp_path: Path):
    x = torch.rand(1, 3, 8, 8, generator=Generator().manual_seed(0))
    first, second = Counting(), Counting()
    second.register_buffer("weight", torch.ones(1))
    for backbone in (first, second, first):
        CachedBackbone(backbone, tmp_path)(x)
    assert (first.seen, second.seen) == (1, 1)


def test_memory_counts_buffers():
    assert size_of(Sharpness(size=224)) == 2 * 56 * 56 * 4
