"""bfloat16 where the processor has it, and nowhere else."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from core import precision


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    precision.has_bfloat16.cache_clear()
    yield
    precision.has_bfloat16.cache_clear()


def processor(monkeypatch: pytest.MonkeyPatch, *, onednn: bool | None, **instructions: bool) -> None:
    """A processor with these instructions, and what oneDNN says of it; None: it cannot be asked."""
    operators = (
        SimpleNamespace() if onednn is None else SimpleNamespace(_is_mkldnn_bf16_supported=lambda: onednn)
    )
    monkeypatch.setattr(torch.ops, "mkldnn", operators)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)


@pytest.mark.parametrize(
    ("instructions", "onednn", "has"),
    [
        ({"avx512_bf16": True}, True, True),
        ({"bf16": True}, True, True),
        ({"avx2": True}, False, False),
        ({"avx512_f": True, "avx512_bf16": False}, True, False),  # oneDNN would imitate it
        ({"amx_bf16": True}, False, False),  # oneDNN was told to leave it out
        ({"amx_bf16": True}, None, True),
        ({"avx2": True}, None, False),
    ],
)
def test_a_processor_has_what_it_and_onednn_say(
    monkeypatch: pytest.MonkeyPatch, instructions: dict[str, bool], onednn: bool | None, has: bool
):
    processor(monkeypatch, onednn=onednn, **instructions)
    assert precision.has_bfloat16("cpu") is has
    assert precision.has_bfloat16(torch.device("cpu")) is has


def test_without_onednn_there_is_none(monkeypatch: pytest.MonkeyPatch):
    processor(monkeypatch, onednn=True, avx512_bf16=True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not precision.has_bfloat16("cpu")


def test_a_graphics_card_is_asked_for_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert not precision.has_bfloat16("cuda")


@pytest.mark.parametrize(
    ("has", "wanted", "computed"),
    [
        (True, True, torch.bfloat16),
        (True, False, torch.float32),
        (False, True, torch.float32),
        (False, False, torch.float32),
    ],
)
def test_passes_run_in_what_the_device_has(
    monkeypatch: pytest.MonkeyPatch, has: bool, wanted: bool, computed: torch.dtype
):
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: has)
    with torch.no_grad(), precision.half("cpu", wanted=wanted):
        assert nn.Conv2d(1, 2, 3)(torch.ones(1, 1, 4, 4)).dtype is computed
    assert not torch.is_autocast_enabled("cpu")
