"""python -m core cards, checklist: what the cards say."""

import argparse
from dataclasses import asdict
from typing import Any

from core import cards
from core.card_types import Card, SegmenterCard
from core.command_line.printing import print_json
from core.errors import UnknownName


def list_cards(options: argparse.Namespace) -> int:
    """All of them, by task, with their AUC on test; then those that outline, with their Dice."""
    every, outlining = cards.every(), cards.outlining()
    if options.json:
        print_json([*map(_summary, every), *map(_outline_summary, outlining)])
        return 0
    for card in every:
        report = card.report["test"]
        low, high = report.auc_interval
        print(f"{card.id:24} {card.kind:11} {card.task:12} AUC {report.auc:.3f} ({low:.3f}-{high:.3f})")
    for outline in outlining:
        test = outline.report["test"]
        dice = f"{test['dice']:.3f} ({test['dice_low']:.3f}-{test['dice_high']:.3f})"
        print(f"{outline.id:24} {outline.kind:11} {outline.modality:12} Dice {dice}")
    return 0


def _summary(card: Card) -> dict[str, Any]:
    """The card without its curves."""
    values = asdict(card)
    values["training"].pop("curve")
    for report in values["report"].values():
        report.pop("roc"), report.pop("precision_recall")
    return values


def _outline_summary(card: SegmenterCard) -> dict[str, Any]:
    values = asdict(card)
    values["training"].pop("curve")
    return values


def print_checklist(options: argparse.Namespace) -> int:
    """CLAIM and TRIPOD+AI. Raises UnknownName for a card that judges no scan."""
    from core.evaluation import checklists

    card = cards.read(options.card)
    if not isinstance(card, Card):
        raise UnknownName(f"{card.id} judges no scan, so no checklist is about it. See: python -m core cards")
    items = checklists.fill(card)
    print(checklists.as_csv(items) if options.format == "csv" else checklists.as_markdown(items), end="")
    return 0
