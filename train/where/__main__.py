"""Say on each card where its maps are hot, against outlines: python -m train.where --data DATA

The outlines that choose a method are not those that are reported.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from core import cards, inference
from core.card_types import Card, Localisation, SegmenterCard
from core.evaluation import localisation
from core.explainers import EXPLAINERS, FAST
from train.publish import provenance
from train.where import measure, outlined
from train.where.outlined import Outlined


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    chosen: list[cards.AnyCard] = [card for card in cards.shipped() if card.modality in outlined.SETS]
    if arguments.card:
        chosen = [cards.read(name) for name in arguments.card]
    sets = {
        modality: {name: list(read(arguments.data)) for name, read in known.items()}
        for modality, known in outlined.SETS.items()
        if modality in {card.modality for card in chosen}
    }
    blind = {name: measure.blind(scans) for known in sets.values() for name, scans in known.items()}
    for card in chosen:
        found = {
            name: {**blind[name], **look(card.id, scans, arguments.methods)}
            for name, scans in sets[card.modality].items()
        }
        for name in found:
            provenance.log_opening(card.id, None, split=f"reported outlines, {name}")
        before = cards.read(card.id)
        assert isinstance(before, Card | SegmenterCard)
        known = measure.merged(before.localisation, found)
        show(cards.update(card.id, localisation=known))


def look(card_id: str, scans: Sequence[Outlined], methods: Sequence[str]) -> dict[str, Localisation]:
    """The figures of the card's maps, or of its probabilities where it outlines.

    card_id: of a classifier, a detector or a card that outlines.
    scans: those that choose and those that are reported.
    methods: a classifier's.
    """
    if isinstance(cards.read(card_id), SegmenterCard):
        return measure.localise_outlines(card_id, scans)
    return measure.localise(inference.load(card_id), scans, methods)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--card", nargs="+", help="folders of weights/; every one if left out")
    parser.add_argument("--methods", nargs="+", choices=EXPLAINERS, default=tuple(FAST))
    return parser.parse_args()


def show(card: cards.AnyCard) -> None:
    """Print what the card now holds."""
    assert isinstance(card, Card | SegmenterCard)
    for name, table in card.localisation.items():
        for method, row in table.items():
            word = localisation.word(card.localisation, method)
            low, high = row.pointing_interval
            print(
                f"{card.id:32}{name:15}{method:22}n {row.n:4} pointing {row.pointing:.3f} "
                f"({low:.2f}-{high:.2f}) AP {row.average_precision:.3f} energy {row.energy:.3f} "
                f"overlap {row.overlap:.3f} choice {row.choice:.3f} {word}",
                flush=True,
            )


if __name__ == "__main__":
    main()
