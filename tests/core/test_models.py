"""What every network in the registries promises."""

import pytest
import torch
from torch import Tensor

from core.explain import EXPLAINERS
from core.models import MODELS, Classifier
from core.models.cnn_transformer import places
from core.models.unet import UNet

# Slow methods with little to do: whether they work does not depend on how long.
BRIEF = {
    "score-cam": {"channels": 4},
    "occlusion": {"window": 48, "stride": 48},
    "integrated-gradients": {"steps": 2},
}


@pytest.fixture(params=sorted(MODELS), scope="module")
def built(request: pytest.FixtureRequest) -> tuple[Classifier, Tensor]:
    """A network, and a batch of two for it."""
    torch.manual_seed(0)
    model = MODELS[request.param](classes=3).eval().requires_grad_(False)
    return model, torch.rand(2, 1, 96, 96, generator=torch.Generator().manual_seed(1))


def test_head_over_features_is_forward(built: tuple[Classifier, Tensor]):
    model, x = built
    assert torch.equal(model.head(model.features(x)), model(x))


def test_features_are_a_grid_and_logits_one_per_class(built: tuple[Classifier, Tensor]):
    model, x = built
    f = model.features(x)
    assert f.ndim == 4
    assert f.shape[2] == f.shape[3] > 1
    assert model(x).shape == (2, 3)
    assert model.embed(x).shape == (2, f.shape[1])


def test_the_head_changes_nothing_in_place(built: tuple[Classifier, Tensor]):
    model, x = built
    f = model.features(x)
    version, before = f._version, f.clone()
    model.head(f)
    assert f._version == version
    assert torch.equal(f, before)


def test_a_scan_is_judged_alike_alone_and_in_a_batch(built: tuple[Classifier, Tensor]):
    model, x = built
    assert torch.allclose(model(x)[:1], model(x[:1]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", sorted(EXPLAINERS))
def test_every_explainer_works_on_every_model(built: tuple[Classifier, Tensor], method: str):
    model, x = built
    heat = EXPLAINERS[method](model, x[:1], 1, **BRIEF.get(method, {}))
    assert heat.ndim == 2
    assert (heat >= 0).all()
    assert torch.isfinite(heat).all()
    assert not heat.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(not module._forward_hooks and not module._backward_hooks for module in model.modules())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_films_in_colour_have_a_network_too(name: str):
    torch.manual_seed(0)
    assert MODELS[name](channels=3).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 2)


@pytest.mark.parametrize(("name", "most"), [("alexnet", 3e6), ("vgg16", 15.5e6)])
def test_heads_are_small(name: str, most: float):
    assert sum(parameter.numel() for parameter in MODELS[name]().parameters()) < most


def test_tokens_lie_where_their_cells_lay():
    torch.manual_seed(0)
    model = MODELS["swin"](channels=1).eval().requires_grad_(False)
    x = torch.zeros(1, 1, 128, 64)
    assert model.features(x).shape[2:] == (4, 2)  # rows stay rows
    marks = places(torch.zeros(1, 128, 3, 5))
    assert torch.equal(marks[0, :64, 1, 0], marks[0, :64, 1, 4])  # the first half says the row
    assert torch.equal(marks[0, 64:, 0, 3], marks[0, 64:, 2, 3])  # the second half says the column
    assert not torch.equal(marks[0, :64, 0, 0], marks[0, :64, 1, 0])


def test_the_unet_returns_one_logit_per_pixel_whatever_the_exposure():
    torch.manual_seed(0)
    network = UNet().eval()
    x = torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    logits = network(x)
    assert logits.shape == (2, 1, 128, 128)
    darker = network(x * 0.5 + 0.1)
    assert torch.allclose(logits, darker, atol=0.1)
