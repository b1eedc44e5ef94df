"""How much a detector owes to chance: python -m train.measures.detector_seeds --data DATA CARD ...

It is fitted again to the same normals from other seeds. On validation: the test split is opened for the
finished card alone. Of classifiers, which take longer, python -m train.seeds tells the same.
"""

import argparse
from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score

from core import cards
from core.card_types import Card
from train import seeds
from train.data import sources
from train.data.datasets import read_films
from train.data.films import region_boxes
from train.measures.training_normals import refitted, seeded, source_of

OTHERS = 4  # seeds beside the card's own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    arguments = parser.parse_args()
    for name in arguments.cards:
        card = cards.read(name)
        if not isinstance(card, Card) or card.kind != "detector":
            raise SystemExit(f"{name} is no detector: use python -m train.seeds.")
        found = seeds.spread([card.report["validation"].auc, *validation_aucs(card, arguments.data)])
        cards.update(name, figures=found)
        print(name, "  ".join(f"{figure} {value:.4g}" for figure, value in found.items()), flush=True)


def validation_aucs(card: Card, data: Path) -> list[float]:
    """Of the same detector from other seeds.

    card: of the detector.
    data: the folder with the public data sets.
    """
    source, table = source_of(card), cards.scores(card)
    cases = sources.load_cases(source, data, card.seed)
    normals = sources.load_normals(source, cases, ("train", "calibration"))
    held = {name for name, split in zip(table.case, table.split, strict=True) if split == "validation"}
    validation = [case for case in cases if case.name in held]
    truth = [case.label != card.labels[0] for case in validation]
    films = read_films(validation)
    batches = list(sources.batches(films, region_boxes(films, source.region), card.input))
    areas = []
    for seed in range(1, OTHERS + 1):
        with torch.inference_mode():
            network = refitted(seeded(card, seed), source, normals)
            scores = torch.cat([network.score(x).score for x in batches])
        areas.append(float(roc_auc_score(truth, scores)))
    return areas


if __name__ == "__main__":
    main()
