"""The audit finds what was changed, and nothing on the cards as they ship."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from core import cards
from core.card_types import Card
from train import audit
from train.data.datasets import Case

EVERY = cards.every()
CLASSIFIER = next(card for card in EVERY if card.id == "pneumonia-knn")
DETECTOR = next(card for card in EVERY if card.task == "chest anomaly")


@pytest.mark.parametrize("card", EVERY, ids=lambda card: card.id)
def test_a_shipped_card_says_what_its_scores_say(card: Card):
    assert audit.faults(card, cards.scores(card)) == []


@pytest.mark.parametrize("name", ["auc", "average_precision", "n", "brier"])
def test_a_figure_changed_by_hand_is_found(name: str):
    report = CLASSIFIER.report["test"]
    touched = replace(report, **{name: getattr(report, name) + 0.001})
    card = replace(CLASSIFIER, report={**CLASSIFIER.report, "test": touched})
    found = audit.faults(card, cards.scores(card))
    assert any(line.startswith("test: ") and "from scores.csv" in line for line in found)


def test_a_threshold_moved_by_hand_is_found():
    card = replace(CLASSIFIER, threshold=CLASSIFIER.threshold + 0.1)
    assert any("threshold is" in line for line in audit.faults(card, cards.scores(card)))


def test_a_false_alarm_rate_changed_by_hand_is_found():
    card = replace(DETECTOR, figures={**DETECTOR.figures, "realised false-positive rate": 0.01})
    found = audit.faults(card, cards.scores(card))
    assert [line.split(" is ")[0] for line in found] == ["realised false-positive rate"]


def test_a_case_on_two_sides_is_found():
    table = cards.scores(CLASSIFIER)
    first = table.split.index("test")
    table = replace(table, case=(*table.case[:first], table.case[0], *table.case[first + 1 :]))
    found = audit.faults(CLASSIFIER, table)
    assert any(line.startswith("1 cases on two sides") for line in found)


def test_a_card_without_a_log_is_found(tmp_path: Path):
    assert audit.faults(CLASSIFIER, cards.scores(CLASSIFIER), tmp_path) == [
        "openings.csv knows of no look at test that gave this AUC"
    ]


def test_a_test_scan_that_was_learned_from_under_another_name_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    table = cards.scores(CLASSIFIER)
    cases = []
    for number, (name, label, split) in enumerate(zip(table.case, table.label, table.split, strict=True)):
        path = tmp_path / f"{number}.png"
        path.write_bytes(hashlib.sha256(name.encode()).digest())
        cases.append(Case(path, name, label, name, split))
    monkeypatch.setattr(audit, "cases_of", lambda *_: cases)
    assert list(audit.copies(CLASSIFIER, table, tmp_path)) == []
    tested = next(case for case in cases if case.split == "test")
    twin = tmp_path / "twin.png"
    twin.write_bytes(tested.path.read_bytes())
    cases.append(Case(twin, "train/NORMAL/twin.png", "normal", "twin", "train"))
    (line,) = audit.copies(CLASSIFIER, table, tmp_path)
    assert line.startswith("1 test scans are also learned from")
    assert tested.name in line
