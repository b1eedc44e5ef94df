"""Take withdrawn cases out of a classifier's figures: python -m train.measures.withdrawn --data DATA CARD ...

No scan is scored again: the rows of scores.csv that its task no longer holds out are dropped, the threshold
is chosen by those of validation that are left, and the figures are counted anew.
"""

import argparse
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from core import cards
from core.card_types import Card, Scores
from train.data import tasks
from train.publish import provenance, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    arguments = parser.parse_args()
    for name in arguments.cards:
        card = cards.read(name)
        if not isinstance(card, Card) or card.kind != "classifier":
            raise SystemExit(f"{name} is no classifier. Measure detectors with python -m train.remeasure.")
        task = tasks.task_of_card(card)
        cases = tasks.load_cases(task, arguments.data, card.seed)
        left = without(card, {case.name for case in cases if case.split != "train"})
        if left is card:
            raise SystemExit(f"{name} has no case that its task has withdrawn.")
        report.print_report(left)
        provenance.log_opening(name, left.report["test"].auc)


def without(card: Card, known: Collection[str], root: Path = cards.WEIGHTS) -> Card:
    """The card, its report and its scores.csv with known cases alone; as it is when it has no others.

    card: of the detector or classifier.
    known: the names of the cases that count.
    root: where all cards lie.
    """
    table = cards.scores(card, root)
    rows = [row for row, name in enumerate(table.case) if name in known]
    if len(rows) == len(table.case):
        return card
    kept = Scores(
        split=tuple(table.split[row] for row in rows),
        case=tuple(table.case[row] for row in rows),
        label=tuple(table.label[row] for row in rows),
        score=table.score[rows],
        probabilities={label: values[rows] for label, values in table.probabilities.items()},
    )
    counts = {name: kept.split.count(name) for name in ("validation", "test") if name in card.data}
    changed = replace(
        report.with_report(card, kept, root), data={**card.data, **counts, **_test_counts(card, kept)}
    )
    cards.write(changed, cards.weights(card, root), kept, root)
    return changed


def _test_counts(card: Card, table: Scores) -> dict[str, int]:
    """How many test cases of each label, where the card's data says it."""
    rows = [f"{split} {label}" for split, label in zip(table.split, table.label, strict=True)]
    return {name: rows.count(name) for name in card.data if name.startswith("test ")}


if __name__ == "__main__":
    main()
