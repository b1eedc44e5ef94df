"""The README quotes figures; they must be the cards'."""

from pathlib import Path

import pytest

from core import cards
from core.types import Card, SegmenterCard

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
