import csv
import io
from dataclasses import replace

import pytest

from core import cards
from core.__main__ import main
from core.card_types import Card
from core.evaluation import checklists
from core.evaluation.checklists.answers import answers
from core.evaluation.checklists.items import CHECKLISTS

EVERY = cards.every()
CARD = next(card for card in EVERY if card.task == "tuberculosis")


def answer(card: Card, checklist: str, number: str) -> str | None:
    (item,) = [i for i in checklists.fill(card) if (i.checklist, i.number) == (checklist, number)]
    return item.answer


def test_the_checklists_have_their_published_items():
    assert [line[0] for line in CHECKLISTS["CLAIM 2024"]] == [str(number) for number in range(1, 45)]
    tripod = [line[0] for line in CHECKLISTS["TRIPOD+AI"]]
    assert {int("".join(filter(str.isdigit, number))) for number in tripod} == set(range(1, 28))
    assert len(set(tripod)) == len(tripod) == 52


def test_every_fact_that_an_item_names_is_known_of_some_card():
    named = {fact for lines in CHECKLISTS.values() for _, _, *facts in lines for fact in facts}
    assert named <= {fact for card in EVERY for fact in answers(card, cards.WEIGHTS)}


def test_answers_come_from_the_card():
    assert answer(CARD, "CLAIM 2024", "3") == CARD.intended_use
    assert f"{CARD.report['test'].auc:.3f}" in (answer(CARD, "CLAIM 2024", "37") or "")
    assert (answer(CARD, "CLAIM 2024", "33") or "").startswith("Montgomery")


def test_what_no_card_knows_is_not_known_and_what_a_card_lacks_too():
    assert answer(CARD, "CLAIM 2024", "44") is None
    without = replace(CARD, data={name: value for name, value in CARD.data.items() if name != "labelled by"})
    assert answer(CARD, "CLAIM 2024", "14")
    assert answer(without, "CLAIM 2024", "14") is None
    assert f",{checklists.NOT_KNOWN}" in checklists.as_csv(checklists.fill(CARD))


def test_both_formats_hold_every_item(capsys: pytest.CaptureFixture[str]):
    items = checklists.fill(CARD)
    assert main(["checklist", "--card", CARD.id, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["number"] for row in rows] == [item.number for item in items]
    assert main(["checklist", "--card", CARD.id]) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(table) == len(items) + len(CHECKLISTS)


def test_what_judges_no_scan_has_no_checklist(capsys: pytest.CaptureFixture[str]):
    assert main(["checklist", "--card", "lung-fields"]) == 2
    assert "no checklist" in capsys.readouterr().err
