from pathlib import Path

from core import cards
from train.measures import withdrawn

CARD = next(card for card in cards.every() if card.id == "tuberculosis-small")


def test_a_card_is_counted_anew_without_the_cases_that_are_gone(tmp_path: Path):
    table = cards.scores(CARD)
    cards.write(CARD, cards.weights(CARD), table, tmp_path)
    test = [case for case, split in zip(table.case, table.split, strict=True) if split == "test"]
    left = withdrawn.without(CARD, set(table.case) - set(test[:3]), tmp_path)
    assert left.report["test"].n == len(test) - 3
    assert left.data["test"] == len(test) - 3
    assert left.threshold == CARD.threshold
    assert cards.read(CARD.id, tmp_path) == left
    assert not set(test[:3]) & set(cards.scores(left, tmp_path).case)


def test_a_card_that_has_them_all_stays_as_it_is():
    assert withdrawn.without(CARD, set(cards.scores(CARD).case)) is CARD
