"""Score a detector's training normals out of fold: python -m train.measures.training_normals --data DATA CARD

Validation holds few normals, of few runs of file numbers. Here the detector is fitted again and again, each
time without some runs, which it then judges, and the card's threshold is chosen by all of them. Test plays no
part in that; its figures are counted anew from scores.csv.
"""

import argparse
import inspect
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
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
from train.publish import provenance, report
from train.publish.detector_metrics import false_alarms, per_label

FOLDS = 6
OUT_OF_FOLD = "out of fold"  # the split that they are listed under


def main() -> None:
    arguments = parse()
    for name in arguments.cards:
        card = cards.read(name)
        if not isinstance(card, Card) or card.kind != "detector":
            raise SystemExit(f"{name} is no detector: the training normals of others are not scored here.")
        source = source_of(card)
        table = cards.scores(card)
        cases = sources.load_cases(source, arguments.data, card.seed)
        if not arguments.choose_only:
            learned = learned_normals(card, table, cases)
            found = np.array(out_of_fold(card, source, learned))
            apart = apart_from_the_rest(card, learned)
            cards.write_normals(card, as_table(list(compress(learned, apart)), found[apart]))
        print(f"{card.id}: threshold {card.threshold:.4g} before")
        by_name = {case.name: case for case in cases}
        held = [
            replace(by_name[case], split=split) for case, split in zip(table.case, table.split, strict=True)
        ]
        report.print_report(choose_again(card, table, held))
        provenance.log_opening(card.id, card.report["test"].auc, split="test, threshold chosen anew")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--choose-only", action="store_true", help="by the scores that are there already")
    return parser.parse_args()


def source_of(card: Card) -> Source:
    """Whose normals taught the detector."""
    (source,) = [source for source in SOURCES.values() if source.task == card.task]
    return source


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


def apart_from_the_rest(card: Card, cases: Sequence[Case]) -> np.ndarray:
    """Whether all scans of the case's patient are of its own run, so that no fold was fitted to one of them.

    Where no patient is known, scans that look the same are of one: their twins would have flattered them.
    card: of the detector.
    cases: normal, of training.
    Returns (N,) bool.
    """
    runs: dict[str, set[str]] = {}
    for case, run in zip(cases, runs_of(card.modality, [case.name for case in cases]), strict=True):
        runs.setdefault(case.patient, set()).add(run)
    return np.array([len(runs[case.patient]) == 1 for case in cases])


def out_of_fold(card: Card, source: Source, cases: Sequence[Case]) -> list[float]:
    """The score of each case by a detector fitted without its run.

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
        network.set_members(
            [refitted(seeded(one, card.seed), source, normals) for one in members if isinstance(one, Card)]
        )
        return network
    network = DETECTORS[card.model](**card.arguments)
    fit_detector(network, source, normals, card.input, card.seed)
    return network.eval()


def seeded(card: Card, seed: int) -> Card:
    """The card as another seed would have it."""
    draws = "seed" in inspect.signature(DETECTORS[card.model]).parameters
    return replace(card, seed=seed, arguments={**card.arguments, **({"seed": seed} if draws else {})})


def as_table(cases: Sequence[Case], scores: np.ndarray) -> Scores:
    """For `cards.write_normals`. scores: (N,), one of each case."""
    return report.tabulate([replace(case, split=OUT_OF_FOLD) for case in cases], scores)


def choose_again(card: Card, table: Scores, held: Sequence[Case], root: Path = cards.WEIGHTS) -> Card:
    """Write the card with the threshold that its policy chooses now, and what follows from it.

    card: of the detector.
    table: its scores.csv.
    held: the cases of its rows.
    root: where all cards lie.
    """
    judged = report.with_report(card, table, root)
    moved = {**false_alarms(judged, table, root), **per_label(judged, held, table)}
    changed = replace(judged, figures={**card.figures, **moved})
    cards.write_card(changed, root)
    return changed


if __name__ == "__main__":
    main()
