"""What a card says about how it was made can be typed again."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from core import cards
from train.publish import provenance


@pytest.mark.parametrize(
    ("running", "typed"),
    [("train.gate.__main__", "train.gate"), ("train.classifier", "train.classifier")],
)
def test_a_card_quotes_the_command_as_it_is_typed(running: str, typed: str, monkeypatch: pytest.MonkeyPatch):
    main = ModuleType("__main__")
    main.__spec__ = ModuleSpec(running, None)
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "argv", ["somewhere/script.py", "--data", "/home/somebody/films", "--seed", "1"])
    assert provenance.command() == f"python -m {typed} --data DATA --seed 1"


def test_the_commit_is_looked_up_beside_core_and_train():
    assert (provenance.ROOT / "core").is_dir()
    assert (provenance.ROOT / "train").is_dir()


def test_every_command_on_a_shipped_card_still_exists():
    quoted = {card.training.command.split()[2] for card in cards.every()}
    quoted |= {card.gate.command.split()[2] for card in cards.every() if card.gate}
    assert "train.classifier" in quoted
    assert not {name for name in quoted if importlib.util.find_spec(name) is None}
