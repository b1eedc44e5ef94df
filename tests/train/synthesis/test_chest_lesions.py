import pytest
import torch
from torch import Generator, Tensor

from train.synthesis.chest_lesions import LESIONS, draw_lesion, draw_random_lesion


@pytest.mark.parametrize("kind", sorted(LESIONS))
def test_a_lesion_changes_lungs_and_leaves_the_rest(kind: str, film: tuple[Tensor, Tensor]):
    x, mask = film
    abnormal = LESIONS[kind](x, mask, Generator().manual_seed(0))
    change = (abnormal - x).abs()
    assert abnormal.shape == x.shape
    assert (change * mask).sum() / mask.sum() > 0.004
    assert change[mask == 0].max() < 1e-5


@pytest.mark.parametrize("kind", ["haze", "consolidation", "veil", "opaque side", "perihilar"])
def test_an_opacity_brightens(kind: str, film: tuple[Tensor, Tensor]):
    x, mask = film
    abnormal = LESIONS[kind](x, mask, Generator().manual_seed(0))
    assert ((abnormal - x) * mask).sum() > 0


def test_the_same_seed_draws_the_same_lesion(film: tuple[Tensor, Tensor]):
    x, mask = film
    first, again, other = (draw_lesion("haze", x, mask, Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_films_that_the_lot_spares_stay_as_they_are(film: tuple[Tensor, Tensor]):
    x, mask = film
    assert torch.equal(draw_random_lesion(x, mask, Generator().manual_seed(0), chance=0.0), x)
    assert not torch.equal(draw_random_lesion(x, mask, Generator().manual_seed(0), chance=1.0), x)
