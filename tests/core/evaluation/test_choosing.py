"""Training normals that were judged out of fold take part in the choice of a threshold; test never does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import cards
from core.card_types import Card, Policy, Scores
from core.errors import NotEnoughLabels
from core.evaluation import choosing

CARD = next(card for card in cards.every() if card.task == "chest anomaly")
TABLE = Scores(
    ("validation", "validation", "test", "test"),
    ("train/a.png", "train/b.png", "test/c.png", "test/d.png"),
    ("normal", "pneumonia", "normal", "pneumonia"),
    np.array([1.0, 5.0, 90.0, 99.0]),
    {},
)
MORE = Scores(("out of fold",) * 2, ("train/e.png", "train/f.png"), ("normal",) * 2, np.array([2.0, 3.0]), {})
POLICY = Policy("mean-k-std", {"k": 0.0})


def test_without_scores_of_training_normals_validation_alone_chooses(tmp_path: Path):
    assert choosing.scans(CARD, TABLE, tmp_path).case == ("train/a.png", "train/b.png")
    with pytest.raises(NotEnoughLabels, match="two normal cases"):
        choosing.threshold(CARD, POLICY, TABLE, tmp_path)


def test_training_normals_choose_too(tmp_path: Path):
    cards.write(CARD, b"", TABLE, tmp_path)
    cards.write_normals(CARD, MORE, tmp_path)
    assert choosing.scans(CARD, TABLE, tmp_path).case == ("train/a.png", "train/b.png", *MORE.case)
    assert choosing.threshold(CARD, POLICY, TABLE, tmp_path) == 2


def test_scores_by_other_weights_are_not_taken(tmp_path: Path):
    cards.write(CARD, b"", TABLE, tmp_path)
    cards.write_normals(CARD, MORE, tmp_path)
    anew = replace(CARD, sha256="0" * 64)
    assert cards.normals(anew, tmp_path) is None
    cards.write_normals(anew, MORE, tmp_path)
    assert cards.normals(CARD, tmp_path) is None


@pytest.mark.parametrize("card", cards.every(), ids=lambda card: card.id)
def test_shipped_training_normals_are_normal_and_held_out_of_nothing_else(card: Card):
    normals = cards.normals(card)
    if normals is None:
        return
    assert set(normals.label) == {card.labels[0]}
    assert len(set(normals.case)) == len(normals.case)
    assert not set(normals.case) & set(cards.scores(card).case)
