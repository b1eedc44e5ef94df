"""Networks laid out for many scans, with torch's private operators and without."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from core.models import MODELS, fusion
from core.models.backbones import ResidualNetwork
from core.models.frozen import FrozenResNet50


@pytest.fixture(autouse=True)
def probed_anew() -> Iterator[None]:
    fusion.operators_answer.cache_clear()
    yield
    fusion.operators_answer.cache_clear()


def raising(*_: object) -> Tensor:
    raise RuntimeError("this torch knows no such operator")


def of_another_signature(x: Tensor) -> Tensor:
    return x


def answering_otherwise(x: Tensor, weight: Tensor, *_: object) -> Tensor:
    return torch.zeros(len(x), len(weight), 5, 5)


def test_the_torch_that_is_required_has_the_operators():
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch is built without oneDNN")
    before = torch.get_rng_state()
    assert fusion.operators_answer()
    assert torch.equal(torch.get_rng_state(), before)
    assert layers_of_its_own(fusion.fused(MODELS["cnn"]()))


@pytest.mark.parametrize("operator", [raising, of_another_signature, answering_otherwise])
def test_operators_that_changed_are_done_without(
    monkeypatch: pytest.MonkeyPatch, operator: Callable[..., Tensor]
):
    reorder = torch.ops.mkldnn._reorder_convolution_weight
    changed = SimpleNamespace(_reorder_convolution_weight=reorder, _convolution_pointwise=operator)
    monkeypatch.setattr(torch.ops, "mkldnn", changed)
    scores_stay()


def test_operators_that_are_gone_are_done_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    scores_stay()


def test_what_the_probe_says_is_done(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fusion, "operators_answer", lambda: False)
    scores_stay()


def scores_stay() -> None:
    torch.manual_seed(0)
    network = MODELS["cnn"]().eval()
    x = torch.randn(2, 1, 64, 64)
    twin = fusion.fused(network)
    assert not layers_of_its_own(twin)
    with torch.inference_mode():
        assert torch.allclose(twin(x), network(x), atol=1e-5)


def layers_of_its_own(network: nn.Module) -> int:
    return sum(isinstance(layer, fusion._Convolution) for layer in network.modules())


@pytest.mark.parametrize("shape", [(2, 3, 160, 160), (1, 3, 47, 47)])  # oneDNN plans for the first alone
def test_a_layer_is_laid_out_for_what_comes_first_and_takes_other_sizes_too(shape: tuple[int, ...]):
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 64, 11, stride=4, padding=2).eval()
    fused = fusion.fused(nn.Sequential(layer, nn.ReLU()))
    with torch.inference_mode():
        for x in (torch.randn(shape), torch.randn(3, 3, 64, 80)):
            assert torch.allclose(fused(x), layer(x).relu(), atol=1e-5)


def test_the_norms_of_a_residual_network_are_merged():
    torch.manual_seed(0)
    model = FrozenResNet50()
    model.set_base(ResidualNetwork())
    twin, x = fusion.fused(model.eval()), torch.randn(2, 3, 64, 64)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in twin.modules())
    with torch.inference_mode():
        assert torch.allclose(twin(x), model(x), atol=1e-4)
        assert torch.allclose(twin.head(chained(twin, x)), model(x), atol=1e-4)


def chained(model: FrozenResNet50, x: Tensor) -> Tensor:
    for step in model.steps():
        x = step(x)
    return x
