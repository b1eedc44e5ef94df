"""Networks laid out for many scans, with torch's private operators and without."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from core.batch import fusion
from core.models import MODELS


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
