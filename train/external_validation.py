"""Measure classifiers beyond their test split: python -m train.external_validation --data DATA [CARD ...]

Films brought to the same sharpness, sharpened films, and films of adults. Nothing is chosen here.
"""

import argparse
from pathlib import Path

from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from core import cards, checkpoints, names
from core.card_types import Card
from core.types import InputSpec, is_abnormal
from train.data import films, tasks
from train.data.datasets import in_split
from train.data.tasks import TASKS
from train.fit import views
from train.publish import provenance
from train.publish.detector_metrics import equalise_sharpness

SPLITS = {
    names.AUC_EQUAL_SHARPNESS: "test, equal sharpness",
    names.AUC_SHARPENED: "test, sharpened",
    names.ADULT_FALSE_ALARMS: "COVID-19 Radiography, held out",
}


def main() -> None:
    arguments = parse()
    chosen = [card for card in cards.shipped() if card.kind == "classifier"]
    if arguments.cards:
        chosen = [card for card in chosen if card.id in arguments.cards]
    for card in chosen:
        network = checkpoints.network(card)
        measured = sharpness_aucs(card, network, arguments.data, arguments.runs)
        if card.task in ("pneumonia", "etiology"):
            measured |= adult_alarm_rates(card, network, arguments.data, arguments.runs)
        cards.update(card.id, figures=measured)
        for name, split in SPLITS.items():
            if name in measured:
                is_auc = name != names.ADULT_FALSE_ALARMS
                provenance.log_opening(card.id, measured[name] if is_auc else None, split=split)
        print(card.id, "  ".join(f"{name} {value:.4g}" for name, value in measured.items()), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="*", metavar="CARD", help="all classifiers when left out")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where films are kept")
    return parser.parse_args()


def sharpness_aucs(card: Card, network: nn.Module, data: Path, runs: Path) -> dict[str, float]:
    """AUC on test scans blurred to the sharpness of the least sharp twentieth, and on sharpened ones.

    Sharpness of the whole film may still tell the classes apart inside the lungs: the control that holds is
    train.measures.equal_detail.

    card: gives the task, the labels and the region.
    network: as the card builds it.
    data: the folder with the public data sets.
    runs: where films are kept.
    """
    task = TASKS[card.task]
    cases = in_split(tasks.load_cases(task, data, seed=0), "test")
    shown, regions = films.load(cases, task.region, runs)
    boxes = films.WHOLE.expand(len(regions), -1) if card.input.region == "whole" else regions
    abnormal = [case.label != card.labels[0] for case in cases]
    every = shown.float()
    altered = {
        names.AUC_EQUAL_SHARPNESS: equalise_sharpness(every),
        names.AUC_SHARPENED: views.SHIFTS["sharpened"](every),
    }
    return {
        name: float(roc_auc_score(abnormal, abnormal_probabilities(network, films_then, boxes, card.input)))
        for name, films_then in altered.items()
    }


def adult_alarm_rates(card: Card, network: nn.Module, data: Path, runs: Path) -> dict[str, float]:
    """How many adults' films the card calls abnormal at its threshold. The gate is not asked.

    The films are those that the task covid holds out: no card learned from them.
    card: gives the threshold and the region.
    network: as the card builds it.
    data: the folder with the public data sets.
    runs: where films are kept.
    """
    every = in_split(tasks.load_cases(TASKS["covid"], data, seed=0), "test")
    measured: dict[str, float] = {}
    for label, rate, count in (
        ("normal", names.ADULT_FALSE_ALARMS, names.ADULT_NORMALS),
        ("covid", names.COVID_FLAGGED, names.COVID_FILMS),
    ):
        cases = [case for case in every if case.label == label]
        shown, boxes = films.load(cases, "lungs", runs)
        if card.input.region == "whole":
            boxes = films.WHOLE.expand(len(boxes), -1)
        flagged = is_abnormal(
            abnormal_probabilities(network, shown, boxes, card.input).numpy(), card.threshold
        )
        measured |= {rate: float(flagged.mean()), count: float(len(cases))}
    return measured


def abnormal_probabilities(network: nn.Module, shown: Tensor, boxes: Tensor, spec: InputSpec) -> Tensor:
    """P(abnormal), (N,).

    network: a classifier, the normal class first.
    shown: (N, 1, H, W), in [0, 1].
    boxes: (N, 4), in fractions.
    spec: what the network is fed.
    """
    return 1 - views.logits(network, shown, boxes, spec).double().softmax(1)[:, 0]


if __name__ == "__main__":
    main()
