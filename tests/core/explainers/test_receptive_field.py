"""Looking at changed windows only gives the maps of whole films."""

import pytest
import torch
from torch import Tensor

from core.explainers.receptive_field import Windowed
from core.models import MODELS, Classifier
from core.models.backbones import ResidualNetwork
from core.models.frozen import FrozenResNet50

CHAINED = ("alexnet", "cnn", "densenet121", "mobilenet-v2", "resnet18", "resnet50", "vgg16")


def network(name: str) -> Classifier:
    torch.manual_seed(0)
    if name in MODELS:
        return MODELS[name](channels=3).eval()
    model = FrozenResNet50()
    model.set_base(ResidualNetwork())
    return model.eval()


def covered(x: Tensor, corners: list[tuple[int, int]], window: int) -> Tensor:
    films = x.repeat(len(corners), 1, 1, 1)
    for film, (top, left) in zip(films, corners, strict=True):
        film[:, top : top + window, left : left + window] = 0
    return films


@pytest.mark.parametrize("name", [*CHAINED, "resnet50-frozen", "swin"])
def test_the_steps_are_the_features(name: str):
    model = network(name)
    x = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        maps = x
        for step in model.steps():
            maps = step(maps)
        assert torch.equal(maps, model.features(x))


@pytest.mark.parametrize("side", [160, 131])
@pytest.mark.parametrize("name", [*CHAINED, "resnet50-frozen"])
def test_windows_anywhere_give_the_maps_of_whole_films(name: str, side: int):
    model, window = network(name), 24
    x = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    corners = [(0, 0), (side - 24, side - 24), (side - 8, 40), (37, side - 8), (61, 62), (48, 17)]
    films = covered(x, corners, window)
    with torch.no_grad():
        windowed = Windowed(model, x, window)
        ours, whole = windowed.features(films, corners), model.features(films)
    assert (ours - whole).abs().max() < 1e-4 * whole.abs().max()


@pytest.mark.parametrize("name", CHAINED)
def test_early_steps_look_at_squares(name: str):
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        windowed = Windowed(network(name), x, 32)
    assert len(windowed._cuts) > 1
    assert all(cut.field < cut.clean.shape[-1] for cut in windowed._cuts)
