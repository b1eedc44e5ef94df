"""Measure a detector that has its card already: python -m train.remeasure --data DATA CARD ..."""

import argparse
from dataclasses import replace
from pathlib import Path

from core import cards, checkpoints, names
from core.card_types import Card
from core.detectors import Detector
from core.evaluation import openings
from train.data.datasets import DATASETS, Case
from train.data.sources import SOURCES, Source
from train.measures.withdrawn import without
from train.publish import provenance
from train.publish.detector_card import cache_features, is_yardstick
from train.publish.detector_metrics import HeldOut, compute_metrics, held_out, inference_cost
from train.synthesis.validation_lesions import drawn_lesions, lesion_aurocs


def main() -> None:
    arguments = parse()
    source = SOURCES[arguments.source]
    for name in arguments.cards:
        card = cards.read(name)
        network = checkpoints.network(card)
        if not isinstance(card, Card) or not isinstance(network, Detector):
            raise SystemExit(f"{name} is no detector.")
        cache_features(network)
        known = {case.name for name in source.datasets for case in DATASETS[name](arguments.data)}
        card = without(card, known)
        cases = scored_cases(card, source, arguments.data)
        measured = lesion_aurocs(network, drawn_lesions(source, cases, split="validation"), card.input)
        if not arguments.drawn_only:
            measured = remaining_metrics(card, network, held_out(source, cases)) | measured
        if not arguments.drawn_only:
            even = measured.get(names.AUROC_EQUAL_SHARPNESS)
            provenance.log_opening(name, even, split="test, equal sharpness" if even else openings.TEST)
        cards.update(name, figures=measured, yardstick=is_yardstick(card.model, card.input))
        print(name, "  ".join(f"{figure} {value:.4g}" for figure, value in measured.items()), flush=True)


def remaining_metrics(card: Card, network: Detector, held: HeldOut) -> dict[str, float]:
    """Everything on the card but drawn lesions; the backbone itself again, for an honest clock.

    card: of the detector.
    network: its network, with cached features where it has any.
    held: validation and test.
    """
    measured = compute_metrics(card, network, held, cards.scores(card))
    checkpoints.load_dependencies(network)
    return measured | inference_cost(card, network, held.films[0, 0])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--source", choices=sorted(SOURCES), default="chest")
    parser.add_argument(
        "--drawn-only", "--rehearse", action="store_true", help="only the AUROC on drawn lesions"
    )
    return parser.parse_args()


def scored_cases(card: Card, source: Source, root: Path) -> tuple[Case, ...]:
    """The cases of the card's scores.csv, in its order and splits.

    card: of the detector.
    source: names the data sets.
    root: the folder with the public data sets.
    """
    table = cards.scores(card)
    known = {case.name: case for name in source.datasets for case in DATASETS[name](root)}
    return tuple(
        replace(known[name], split=split) for name, split in zip(table.case, table.split, strict=True)
    )


if __name__ == "__main__":
    main()
