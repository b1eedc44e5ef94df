"""The README quotes figures, which must be the cards', and code, which must run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core import cards
from core.card_types import Card, SegmenterCard

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")


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


def test_the_lines_from_python_run_anywhere(tmp_path: Path):
    (lines,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert sum(bool(line) for line in lines.splitlines()) == 5
    run = [sys.executable, "-W", "error", "-c", lines]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout
    assert re.match(r"Prediction\(probabilities=\{'normal': [\d.e-]+, 'pneumonia': [\d.e-]+\}", said)
    assert re.search(r"\(\d+, \d+\)$", said.strip())
