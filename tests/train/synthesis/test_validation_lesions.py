from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from core.names import AUROC_DRAWN_LESIONS
from train.data.datasets import Case
from train.data.sources import SOURCES, Source
from train.synthesis.chest_lesions import LESIONS
from train.synthesis.validation_lesions import (
    UNSEEN_CHEST_LESIONS,
    UNSEEN_HEAD_LESIONS,
    aurocs_by_lesion,
    drawn_lesions,
)


@pytest.mark.parametrize("kind", sorted(UNSEEN_CHEST_LESIONS))
def test_a_lesion_stays_inside_the_lungs(kind: str, film: tuple[Tensor, Tensor]):
    x, mask = film
    abnormal = UNSEEN_CHEST_LESIONS[kind](x, mask, Generator().manual_seed(0))
    change = (abnormal - x).abs()
    assert (change * mask).sum() / mask.sum() > 0.002
    assert change[mask == 0].max() < 1e-5


def test_a_mass_is_as_bright_or_dark_as_its_name(film: tuple[Tensor, Tensor]):
    x, mask = film
    x = x.clamp(0, 1)
    bright, dark = (
        UNSEEN_HEAD_LESIONS[kind](x, mask, Generator().manual_seed(0))
        for kind in ("bright mass", "dark mass")
    )
    assert (bright - x).min() >= 0 > (dark - x).min()


def test_no_lesion_is_trained_on():
    assert not (UNSEEN_CHEST_LESIONS.keys() | UNSEEN_HEAD_LESIONS.keys()) & LESIONS.keys()


def test_normals_of_another_machine_count_as_normal():
    kind = ["normal"] * 2 + ["acquisition shift"] * 2 + ["lobar"] * 2 + ["basal"] * 2
    found = aurocs_by_lesion(np.array([0, 1, 2, 3, 4, 5, 1.5, 2.5]), kind)
    assert list(found) == [
        AUROC_DRAWN_LESIONS,
        f"{AUROC_DRAWN_LESIONS}, lobar",
        f"{AUROC_DRAWN_LESIONS}, basal",
    ]
    assert found[f"{AUROC_DRAWN_LESIONS}, lobar"] == 1
    assert found[f"{AUROC_DRAWN_LESIONS}, basal"] == pytest.approx(5 / 8)
    assert found[AUROC_DRAWN_LESIONS] == pytest.approx((1 + 5 / 8) / 2)


def test_the_mean_is_over_lesions_and_not_over_films():
    kind = ["normal", "lobar", "basal", "basal", "basal"]
    found = aurocs_by_lesion(np.array([1.0, 0, 2, 2, 2]), kind)
    assert found[AUROC_DRAWN_LESIONS] == torch.tensor([0.0, 1.0]).mean()


def test_lesions_are_drawn_again_for_another_seed_or_corrected_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[tuple[float, int]] = []

    def draw(_: Source, films: Tensor, seed: int) -> tuple[Tensor, list[str]]:
        seen.append((float(films.max()), seed))
        return films, ["normal"]

    monkeypatch.setattr("train.synthesis.validation_lesions._draw_lesions", draw)
    case = Case(tmp_path / "slice.png", "slice.png", "normal", "1", "validation")
    for grey, seed in ((0, 0), (0, 0), (0, 1), (255, 1)):
        Image.new("L", (32, 32), grey).save(case.path)
        drawn_lesions.cache_clear()  # as in the next process
        drawn = drawn_lesions(
            SOURCES["brain-mri"], (case,), split="validation", seed=seed, runs=tmp_path / "runs"
        )
        assert drawn.kind == ("normal",)
        assert float(drawn.films.max()) == grey / 255
    assert seen == [(0, 0), (0, 1), (1, 1)]
