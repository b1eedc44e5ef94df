"""The README quotes figures, which must be the cards', and code, which must run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core import cards
from core.card_types import Card, SegmenterCard
from core.evaluation import by_source
from train import tables

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_tables_are_those_that_the_cards_give():
    assert tables.with_table(TEXT) == TEXT, "write it again with python -m train.tables"
    assert tables.all_cards() == (ROOT / "docs" / "cards.md").read_text("utf-8")


@pytest.mark.parametrize("card", cards.every(), ids=lambda card: card.id)
def test_every_card_has_its_row(card: Card):
    report, interval = card.report["test"], by_source.whole(card).auc_interval
    assert interval is not None
    low, high = interval
    auc, accuracy = rf"{report.auc:.3f} \({low:.3f}-{high:.3f}\)", f"{report.points[0].accuracy:.3f}"
    row = rf"\| `{card.id}`.* \| {auc} \| {accuracy} \|"
    assert re.search(row, (ROOT / "docs" / "cards.md").read_text("utf-8"))


def test_one_source_of_a_default_is_bold_where_there_are_several():
    rows = [line.split(" | ") for line in tables.table_of_truth().splitlines()[2:]]
    found = [cells for cells in rows if "pneumonia-all-ages" in cells[0]]
    assert len(found) > 1
    assert sum(cells[0].startswith("| **") for cells in found) == 1


def test_the_readme_quotes_the_lung_segmenter():
    card = cards.read("lung-fields")
    assert isinstance(card, SegmenterCard)
    figures = card.report["test"]
    assert f"mean Dice of {figures['dice']:.3f} on {figures['n']:.0f} held-out masks" in TEXT


def test_the_lines_from_python_run_anywhere(tmp_path: Path):
    (lines,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert sum(bool(line) for line in lines.splitlines()) == 5
    run = [sys.executable, "-W", "error", "-c", lines]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout
    assert re.match(r"Prediction\(probabilities=\{'normal': [\d.e-]+, 'pneumonia': [\d.e-]+\}", said)
    assert re.search(r"\(\d+, \d+\)$", said.strip())
