from dataclasses import replace
from pathlib import Path

import pytest

from core import cards
from core.errors import CardError
from core.evaluation import openings
from core.evaluation.openings import Opening

CARD = next(card for card in cards.every() if card.id == "pneumonia-knn")
LOOK = Opening("2026-01-02", "0123abcd", openings.TEST, 'python -m train.probe --x "a, b"', 0.9123456789)


def test_looks_are_read_as_they_were_added_to_six_digits(tmp_path: Path):
    without = replace(LOOK, auc=None, split="another hospital", source="git history (abc)")
    for look in (LOOK, without):
        openings.append("some-card", look, tmp_path)
    assert openings.read("some-card", tmp_path) == (replace(LOOK, auc=0.912346), without)
    assert openings.count("some-card", root=tmp_path) == 1


def test_a_card_without_a_log_is_not_measured(tmp_path: Path):
    assert openings.read(CARD.id, tmp_path) == ()
    assert not openings.measured(CARD, tmp_path)


def test_a_figure_that_no_logged_look_has_shown_is_not_measured(tmp_path: Path):
    auc = CARD.report["test"].auc
    openings.append(CARD.id, replace(LOOK, auc=auc - 0.01), tmp_path)
    openings.append(CARD.id, replace(LOOK, auc=auc, split="validation"), tmp_path)
    assert not openings.measured(CARD, tmp_path)
    openings.append(CARD.id, replace(LOOK, auc=auc), tmp_path)
    assert openings.measured(CARD, tmp_path)


@pytest.mark.parametrize(
    "text", ["date,commit\n2026-01-02,abc\n", "date,commit,split,command,auc,source\na,b,c,d,e,f\n"]
)
def test_another_file_is_named_as_no_log(text: str, tmp_path: Path):
    (tmp_path / "some-card").mkdir()
    (tmp_path / "some-card" / openings.FILE).write_text(text)
    with pytest.raises(CardError, match=r"openings\.csv is no log of openings"):
        openings.read("some-card", tmp_path)


@pytest.mark.parametrize("card", cards.every(), ids=lambda card: card.id)
def test_every_shipped_card_is_measured(card):
    assert openings.measured(card)
