"""What every network in the registries promises."""

import pytest
import torch

from core.explain import EXPLAINERS
from core.models import MODELS, Classifier
from core.models.unet import UNet


@pytest.fixture(params=sorted(MODELS))
def model(request: pytest.FixtureRequest) -> Classifier:
    torch.manual_seed(0)
    return MODELS[request.param](classes=3).eval().requires_grad_(False)


X = torch.rand(2, 1, 160, 160, generator=torch.Generator().manual_seed(1))


def test_head_over_features_is_forward(model: Classifier):
    assert torch.equal(model.head(model.features(X)), model(X))


def test_features_are_a_grid_and_logits_one_per_class(model: Classifier):
    assert model.features(X).ndim == 4
    assert model(X).shape == (2, 3)
    assert model.embed(X).shape == (2, model.features(X).shape[1])


def test_the_head_changes_nothing_in_place(model: Classifier):
    f = model.features(X)
    before = f.clone()
    model.head(f)
    assert torch.equal(f, before)


def test_a_scan_is_judged_alike_alone_and_in_a_batch(model: Classifier):
    assert torch.allclose(model(X)[:1], model(X[:1]), atol=1e-5)


@pytest.mark.parametrize("method", sorted(EXPLAINERS))
def test_every_explainer_works_on_every_model(model: Classifier, method: str):
    heat = EXPLAINERS[method](model, X[:1], 1)
    assert heat.ndim == 2
    assert (heat >= 0).all()
    assert torch.isfinite(heat).all()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_unet_returns_one_logit_per_pixel_whatever_the_exposure():
    torch.manual_seed(0)
    network = UNet().eval()
    logits = network(X[..., :128, :128])
    assert logits.shape == (2, 1, 128, 128)
    darker = network(X[..., :128, :128] * 0.5 + 0.1)
    assert torch.allclose(logits, darker, atol=0.1)
