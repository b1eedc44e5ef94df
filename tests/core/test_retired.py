"""What is said of cards that no longer ship."""

import pytest

from core import cards, retired
from core.errors import UnknownName

SHIPPED = {card.id for card in cards.every()}


def test_a_retired_card_is_not_called_unknown():
    with pytest.raises(
        UnknownName, match=r"'chest-air' was retired: .*Use 'chest-dense' instead\. Choose from"
    ):
        cards.read("chest-air")


def test_nothing_is_said_of_a_card_that_never_was():
    assert retired.notice("pneumonai") is None


def test_no_card_is_retired_and_shipped_and_each_has_an_heir():
    assert not retired.RETIRED.keys() & SHIPPED
    assert {instead for _, instead in retired.RETIRED.values()} <= SHIPPED
