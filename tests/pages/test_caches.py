"""What the server keeps of a card belongs to its weights."""

import gc
import hashlib
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import cards, checkpoints
from core.card_types import Card, Scores
from core.errors import CardError
from core.models import MODELS
from pages.shared.caches import models, scores
from tests.phantoms import fake_cards
from tests.phantoms.fake_cards import made_up

LABELS = ("normal", "pneumonia")
OURS = made_up("ours", LABELS, skill=2.0, task="ours")


@pytest.fixture(autouse=True)
def made(tmp_path: Path) -> Iterator[None]:
    with fake_cards.weights(tmp_path, (OURS, 2.0, 0)):
        yield


def train_anew(root: Path) -> None:
    """The card with other weights, whose scores say the opposite."""
    torch.manual_seed(1)
    data = checkpoints.pack(MODELS[OURS.model](**OURS.arguments))
    card, table = cards.read("ours", root), cards.scores(OURS, root)
    assert isinstance(card, Card)
    turned = replace(table, score=1 - table.score)
    cards.write(replace(card, sha256=hashlib.sha256(data).hexdigest()), data, turned, root)


def kept() -> tuple[np.ndarray, float, float]:
    test: Scores = models.scores("ours")
    point = scores.operating_point("ours", "test", 0.5, "manual")
    return test.score, point.sensitivity, models.percentile("ours", 0.3)


def test_other_weights_under_the_same_id_have_answers_of_their_own(tmp_path: Path):
    network, before = models.model("ours"), kept()
    assert models.model("ours") is network
    train_anew(tmp_path)
    models.every_card.clear()
    after = kept()
    assert np.allclose(after[0], 1 - before[0], atol=1e-6)
    assert after[1] != before[1]
    assert after[2] != before[2]
    assert models.model("ours") is not network
    assert models.model("ours").card.sha256 == models.card("ours").sha256


def test_weights_that_are_newer_than_the_list_of_cards_are_not_taken_for_the_old(tmp_path: Path):
    old = models.card("ours").sha256
    train_anew(tmp_path)
    with pytest.raises(CardError, match="trained anew in the meantime"):
        models.model("ours")
    assert models.model("ours").card.sha256 == models.card("ours").sha256 != old


def test_a_card_that_no_one_looks_at_leaves_memory(tmp_path: Path):
    others = [f"other-{number}" for number in range(models.MODELS_KEPT)]
    ours = cards.read("ours", tmp_path)
    assert isinstance(ours, Card)
    for name in others:
        cards.write(replace(ours, id=name), cards.weights(ours), cards.scores(ours), tmp_path)
    models.every_card.clear()
    network = weakref.ref(models.model("ours").network)
    for name in others:
        models.model(name)
    gc.collect()
    assert network() is None
