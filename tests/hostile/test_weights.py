"""Weights that were altered, swapped or do not fit: refused with the remedy, the other cards go on."""

import json
import pickle
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from safetensors.torch import save

from core import cards, inference
from core.card_types import Card
from core.errors import CardError
from core.models import MODELS

EVERY = cards.every()
REMEDY = r"python -m train\."


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with one classifier and one detector, built here, so that they may be harmed."""
    for name in ("first", "second"):
        network = MODELS["cnn"](classes=2, width=4)
        data = save(network.state_dict())
        spec = replace(EVERY[0].input, size=64, channels=1, mean=(0.5,), std=(0.25,))
        card = replace(
            EVERY[0],
            id=name,
            kind="classifier",
            model="cnn",
            arguments={"classes": 2, "width": 4},
            input=spec,
            labels=("normal", "pneumonia"),
            sha256=sha256(data).hexdigest(),
        )
        cards.write(card, data, None, tmp_path)
    return tmp_path


def rewritten(weights: Path, data: bytes) -> None:
    """The weights replaced, and the card made to vouch for them, as an attacker would."""
    (weights / "first/model.safetensors").write_bytes(data)
    path = weights / "first/card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": sha256(data).hexdigest()}))


def refused(weights: Path, words: str) -> None:
    with pytest.raises(CardError, match=words):
        inference.load("first", weights)
    assert inference.load("second", weights).card.id == "second"


def test_a_flipped_byte_is_refused(weights: Path):
    path = weights / "first/model.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    refused(weights, rf"sha256 differs.*{REMEDY}")


def test_a_missing_file_is_refused(weights: Path):
    (weights / "first/model.safetensors").unlink()
    refused(weights, rf"missing.*{REMEDY}")


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("the pickle was opened",)


def test_a_pickle_renamed_to_safetensors_is_never_opened(weights: Path):
    rewritten(weights, pickle.dumps(Trap()))
    refused(weights, rf"do not fit.*{REMEDY}")


def test_weights_cut_short_are_refused(weights: Path):
    rewritten(weights, (weights / "first/model.safetensors").read_bytes()[:-8])
    refused(weights, rf"do not fit.*{REMEDY}")


def test_a_card_that_names_another_class_count_is_refused(weights: Path):
    path = weights / "first/card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": ["normal", "one", "two"]}))
    refused(weights, rf"names 3 labels and its network knows 2.*{REMEDY}")


def test_a_broken_card_is_named_and_the_others_are_listed(weights: Path):
    (weights / "first/card.json").write_text('{"kind": "classifier"')
    listed: tuple[Card, ...] = cards.every(weights)
    assert [card.id for card in listed] == ["second"]
    assert "card.json is no card" in cards.broken(weights)["first"]
