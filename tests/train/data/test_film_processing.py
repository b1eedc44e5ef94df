import pytest
import torch
from torch import Generator

from core.types import InputSpec
from tests.phantoms.chest import chest
from train.data.augment import blur
from train.data.film_processing import FILM_PROCESSING, random_clahe, random_resampling
from train.data.films import WHOLE
from train.fit import views

X = torch.stack([torch.from_numpy(chest(112, seed=seed))[None] for seed in range(6)])


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("name", sorted(FILM_PROCESSING))
def test_films_are_changed_in_range_and_alike_for_the_same_seed(name: str):
    change, before = FILM_PROCESSING[name], X.clone()
    changed = change(X, generator())
    assert torch.equal(X, before)
    assert changed.shape == X.shape
    assert changed.dtype == X.dtype
    assert 0 <= changed.min() < changed.max() <= 1
    assert torch.equal(changed, change(X, generator()))
    assert not torch.equal(changed, change(X, generator(1)))
    same = [torch.equal(one, other) for one, other in zip(changed, X, strict=True)]
    assert 0 < sum(same) < len(X)  # about half are left as they are


def test_clahe_raises_local_contrast():
    detail = (X - blur(X, 4.0)).abs().mean((1, 2, 3))
    changed = random_clahe(X, generator(), chance=1.0)
    assert ((changed - blur(changed, 4.0)).abs().mean((1, 2, 3)) > detail).all()


def test_resampling_keeps_the_film_and_loses_its_grain():
    grainy = (X + 0.05 * torch.randn(X.shape, generator=generator())).clamp(0, 1)
    changed = random_resampling(grainy, generator(), chance=1.0)
    assert (changed - X).abs().mean() < 0.05
    assert (blur(changed, 3.0) - blur(X, 3.0)).abs().max() < 0.1


def test_a_recipe_that_names_none_is_augmented_as_before():
    spec = InputSpec(size=64, channels=1, mean=(0.5,), std=(0.25,), region="whole")
    boxes = WHOLE.expand(len(X), -1)
    plain = views.augmented(X, boxes, spec, generator())
    assert torch.equal(plain, views.augmented(X, boxes, spec, generator(), processing=()))
    assert not torch.equal(plain, views.augmented(X, boxes, spec, generator(), processing=("clahe",)))
