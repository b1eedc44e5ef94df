"""What a card costs: the files it is made of, and the median of its times."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import cards, cost, inference
from core.card_types import Card
from core.errors import MissingWeights

CLASSIFIER = next(card for card in cards.every() if card.kind == "classifier")


def written(card: Card, root: Path, size: int) -> Card:
    cards.write(card, b"x" * size, None, root)
    return card


def test_shared_weights_count_once(tmp_path: Path):
    one = written(replace(CLASSIFIER, id="one", arguments={}), tmp_path, 1000)
    two = written(replace(CLASSIFIER, id="two", arguments={"of": "one@abc"}), tmp_path, 200)
    both = written(replace(CLASSIFIER, id="both", arguments={"members": "one@abc two@def"}), tmp_path, 30)
    assert cost.folders(both, tmp_path) == {"both", "one", "two"}
    sizes = [cost.megabytes(card, tmp_path) for card in (one, two, both)]
    assert sizes == pytest.approx([0.001, 0.0012, 0.00123])


def test_a_backbone_is_counted_with_who_looks_through_it():
    card = next(card for card in cards.every() if card.arguments.get("backbone"))
    backbone = f"backbone-{card.arguments['backbone']}"
    assert cost.folders(card) == {card.id, backbone}


def test_a_vote_is_counted_with_the_cases_that_vote():
    card, base = cards.read("pneumonia-knn"), cards.read("pneumonia-cnn")
    assert isinstance(card, Card)
    assert isinstance(base, Card)
    cases = len(cards.embeddings(base)) / 1e6
    assert cost.megabytes(card) == pytest.approx(cost.megabytes(base) + cases, abs=0.001)


def test_a_missing_member_is_named(tmp_path: Path):
    card = written(replace(CLASSIFIER, id="one", arguments={}), tmp_path, 10)
    (tmp_path / "one" / "model.safetensors").unlink()
    with pytest.raises(MissingWeights, match="one"):
        cost.megabytes(card, tmp_path)


def test_the_median_forgives_the_first_call_and_a_hiccup():
    calls = []
    ticks = iter([0, 0.010, 1, 1.011, 2, 2.900])
    found = cost.milliseconds(lambda: calls.append(1), repeats=3, clock=lambda: next(ticks))
    assert found == pytest.approx(11)
    assert len(calls) == cost.WARM_UP + 3


def test_the_drawn_picture_can_be_read_by_a_real_card():
    film, fields = cost.synthetic_scan()
    assert 0 <= film.pixels.min() < film.pixels.max() <= 1
    model = inference.load(CLASSIFIER.id)
    assert cost.milliseconds(lambda: inference.judge(model, film, fields), repeats=1) > 0
