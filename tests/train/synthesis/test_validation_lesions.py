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
from train.synthesis.validation_lesions import CHEST, HEAD, rehearsal, separated


@pytest.mark.parametrize("kind", sorted(CHEST))
def test_a_lesion_stays_inside_the_lungs(kind: str, film: tuple[Tensor, Tensor]):
    x, mask = film
    ill = CHEST[kind](x, mask, Generator().manual_seed(0))
    change = (ill - x).abs()
    assert (change * mask).sum() / mask.sum() > 0.002
    assert change[mask == 0].max() < 1e-5


def test_a_mass_is_as_bright_or_dark_as_its_name(film: tuple[Tensor, Tensor]):
    x, mask = film
    x = x.clamp(0, 1)
    bright, dark = (HEAD[kind](x, mask, Generator().manual_seed(0)) for kind in ("bright mass", "dark mass"))
    assert (bright - x).min() >= 0 > (dark - x).min()


def test_no_lesion_was_taught():
    assert not (CHEST.keys() | HEAD.keys()) & LESIONS.keys()


def test_normals_of_another_machine_count_as_normal():
    kind = ["normal"] * 2 + ["taken otherwise"] * 2 + ["lobar"] * 2 + ["basal"] * 2
    found = separated(np.array([0, 1, 2, 3, 4, 5, 1.5, 2.5]), kind)
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
    found = separated(np.array([1.0, 0, 2, 2, 2]), kind)
    assert found[AUROC_DRAWN_LESIONS] == torch.tensor([0.0, 1.0]).mean()


def test_a_rehearsal_is_acted_again_for_another_seed_or_corrected_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[tuple[float, int]] = []

    def act(_: Source, films: Tensor, seed: int) -> tuple[Tensor, list[str]]:
        seen.append((float(films.max()), seed))
        return films, ["normal"]

    monkeypatch.setattr("train.synthesis.validation_lesions._act", act)
    case = Case(tmp_path / "slice.png", "slice.png", "normal", "1", "validation")
    for grey, seed in ((0, 0), (0, 0), (0, 1), (255, 1)):
        Image.new("L", (32, 32), grey).save(case.path)
        rehearsal.cache_clear()  # as in the next process
        acted = rehearsal(
            SOURCES["brain-mri"], (case,), split="validation", seed=seed, runs=tmp_path / "runs"
        )
        assert acted.kind == ("normal",)
        assert float(acted.films.max()) == grey / 255
    assert seen == [(0, 0), (0, 1), (1, 1)]
