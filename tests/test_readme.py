"""The README quotes figures; they must be the cards'."""

from pathlib import Path

import pytest

from core import cards
from core.card_types import Card, SegmenterCard

TEXT = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")


def quoted(card: Card) -> str:
    """The card's row of the README's table."""
    report = card.report["test"]
    point = report.points[0]
    rates = " | ".join(f"{rate:.3f}" for rate in (point.accuracy, point.sensitivity, point.specificity))
    low, high = report.auc_interval
    return f"| `{card.id}` | {report.auc:.3f} ({low:.3f}-{high:.3f}) | {rates} |"


@pytest.mark.parametrize("card", cards.every(), ids=lambda card: card.id)
def test_the_readme_quotes_the_card(card: Card):
    assert quoted(card) in TEXT


def test_the_readme_quotes_the_lung_segmenter():
    card = cards.read("lung-fields")
    assert isinstance(card, SegmenterCard)
    figures = card.report["test"]
    assert f"mean Dice of {figures['dice']:.3f} on {figures['n']:.0f} held-out masks" in TEXT


def test_the_readme_quotes_what_cards_do_on_adults():
    alone, adults = (cards.read(name) for name in ("pneumonia-cnn", "pneumonia-cnn-adults"))
    assert isinstance(alone, Card)
    assert isinstance(adults, Card)
    rates = ("false alarms on adult normals", "flagged COVID films")
    (alarm, fewer), (flagged, more) = (
        [f"{100 * c.figures[rate]:.0f} %" for c in (alone, adults)] for rate in rates
    )
    words = " ".join(TEXT.split())
    assert f"raises a false alarm on {alarm}, `pneumonia-cnn-adults` on {fewer}" in words
    assert f"films they flag {flagged} and {more}" in words
    assert {alone.figures[n] for n in ("adult normals", "COVID films")} == {400}
