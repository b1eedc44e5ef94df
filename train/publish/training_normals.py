"""Score a detector's training normals out of fold: python -m train.publish.training_normals --data DATA CARD

Validation holds few normals, of few runs of file numbers. Here the detector is fitted again and again, each
time without some runs, which it then judges, and the card's threshold is chosen by all of them. Test plays no
part in that; its figures are counted anew from scores.csv.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import GroupKFold
from tqdm import tqdm

from core import cards, checkpoints
from core.card_types import Card, Scores
from core.detectors import DETECTORS, Detector, DetectorEnsemble
from core.evaluation.sources import runs as runs_of
from train.data import sources
from train.data.datasets import Case, read_films
from train.data.films import region_boxes
from train.data.sources import SOURCES, Normals, Source
from train.fitted import fit_detector
from train.publish import report
from train.publish.detector_metrics import false_alarms

FOLDS = 6
OUT_OF_FOLD = "out of fold"  # the split that they are listed under


def main() -> None:
    arguments = parse()
    for name in arguments.cards:
        card = cards.read(name)
        if not isinstance(card, Card) or card.kind != "detector":
            raise SystemExit(f"{name} is no detector: the training normals of others are not scored here.")
        (source,) = [one for one in SOURCES.values() if one.task == card.task]
        table = cards.scores(card)
        learned = learned_normals(card, table, sources.load_cases(source, arguments.data, card.seed))
        found = np.array(out_of_fold(card, source, learned))
        cards.write_normals(card, cards.as_written(as_table(learned, found)))
        choose_again(card, table)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    return parser.parse_args()


def learned_normals(card: Card, table: Scores, cases: Sequence[Case]) -> list[Case]:
    """Normal scans that neither validation nor test holds.

    card: of the detector.
    table: its scores.csv.
    cases: of its data sets, in their splits.
    """
    held = set(table.case)
    return [
        case
        for case in cases
        if case.label == card.labels[0] and case.split in ("train", "calibration") and case.name not in held
    ]


def out_of_fold(card: Card, source: Source, cases: Sequence[Case]) -> list[float]:
    """The score of each case by a detector fitted without its run and its patient's.

    card: of the detector.
    source: of the scans.
    cases: normal, of training.
    """
    films = read_films(cases)
    boxes = region_boxes(films, source.region)
    group = runs_of(card.modality, [case.name for case in cases])
    scores = torch.zeros(len(cases), dtype=torch.float64)
    parts = list(GroupKFold(FOLDS).split(films, groups=group))
    for rest, out in tqdm(parts, desc=card.id, unit="fold"):
        normals = Normals(
            {"train": films[rest], "calibration": films[out]},
            {"train": boxes[rest], "calibration": boxes[out]},
        )
        with torch.inference_mode():
            network = refitted(card, source, normals)
            batches = sources.batches(films[out], boxes[out], card.input)
            scores[out] = torch.cat([network.score(x).score for x in batches]).double()
    return scores.tolist()


def refitted(card: Card, source: Source, normals: Normals) -> Detector:
    """The card's detector fitted to other normals; of an ensemble each member.

    card: of the detector.
    source: of the scans.
    normals: the splits train and calibration; the second moves the map alone, not the score.
    """
    if card.model == "ensemble":
        network = checkpoints.network(card)
        assert isinstance(network, DetectorEnsemble)
        members = [cards.read(member.partition("@")[0]) for member in network.members]
        network.set_members([refitted(one, source, normals) for one in members if isinstance(one, Card)])
        return network
    network = DETECTORS[card.model](**card.arguments)
    fit_detector(network, source, normals, card.input, card.seed)
    return network.eval()


def as_table(cases: Sequence[Case], scores: np.ndarray) -> Scores:
    """For `cards.write_normals`. scores: (N,), one of each case."""
    return report.tabulate([replace(case, split=OUT_OF_FOLD) for case in cases], scores)


def choose_again(card: Card, table: Scores) -> None:
    """The card's threshold by its policy, and what follows from it.

    card: of the detector.
    table: its scores.csv.
    """
    judged = report.with_report(card, table)
    figures = {**card.figures, **false_alarms(judged, table)}
    cards.write_card(replace(judged, figures=figures))
    print(f"{card.id}: threshold {card.threshold:.4g} before")
    report.print_report(judged)


if __name__ == "__main__":
    main()
