"""Reporting checklists filled from a card: each item with an answer, or None where the card does not know.

CLAIM 2024 (Tejani, Radiol Artif Intell 6:e240300) and TRIPOD+AI (Collins, BMJ 385:e078378), items in short.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core import cards
from core.card_types import Card
from core.evaluation.checklists.answers import answers
from core.evaluation.checklists.items import CHECKLISTS

NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a checklist. number: as published. answer: None where the card does not know."""

    checklist: str
    number: str
    asks: str
    answer: str | None


def fill(card: Card, root: Path = cards.WEIGHTS) -> tuple[Item, ...]:
    """Both checklists, in their order. root: where the card's scores and log lie."""
    known = answers(card, root)
    return tuple(
        Item(checklist, number, asks, "; ".join(known[f] for f in facts if f in known) or None)
        for checklist, lines in CHECKLISTS.items()
        for number, asks, *facts in lines
    )


def as_csv(items: Iterable[Item]) -> str:
    """With a header; `NOT_KNOWN` where there is no answer."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["checklist", "number", "item", "answer"])
    writer.writerows([i.checklist, i.number, i.asks, i.answer or NOT_KNOWN] for i in items)
    return file.getvalue()


def as_markdown(items: Iterable[Item]) -> str:
    """A table for each checklist."""
    listed = list(items)
    parts = []
    for checklist in dict.fromkeys(item.checklist for item in listed):
        lines = [f"## {checklist}", "", "| | Item | Answer |", "|---|---|---|"]
        lines += [
            f"| {item.number} | {item.asks} | {(item.answer or NOT_KNOWN).replace('|', chr(92) + '|')} |"
            for item in listed
            if item.checklist == checklist
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
