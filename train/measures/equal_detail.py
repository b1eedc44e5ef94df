"""What is left of a card's AUC when detail is no clue: python -m train.measures.equal_detail --data DATA CARD

All test scans are blurred until the region that the card looks into has as little detail as in the least
detailed twentieth, and are judged as the app does. Beside it stands what that detail itself still tells.
Nothing is chosen here.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from sklearn.metrics import roc_auc_score
from torch import Tensor
from tqdm import tqdm

from core import cards, inference, names
from core.card_types import Card
from core.inference import Model
from core.types import Scan
from train.data import films, sources, tasks
from train.data.datasets import Case
from train.measures.training_normals import source_of
from train.publish import provenance
from train.publish.detector_metrics import equalise_sharpness, sharpness_inside

OPENING = "test, equal detail inside the region"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cards", nargs="+", metavar="CARD")
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where scans are kept")
    arguments = parser.parse_args()
    for name in arguments.cards:
        model = inference.load(name)
        cases = tested(model.card, arguments.data)
        shown, boxes = films.load(cases, model.card.input.region, arguments.runs)
        even = equalise_sharpness(shown.float(), boxes)
        measured = at_equal_detail(model, cases, even, boxes)
        provenance.log_opening(name, measured[names.AUC_EQUAL_DETAIL], split=OPENING)
        cards.update(name, figures=measured)
        print(name, "  ".join(f"{figure} {value:.4g}" for figure, value in measured.items()), flush=True)


def tested(card: Card, data: Path) -> list[Case]:
    """The test cases of the card's scores.csv. data: the folder with the public data sets."""
    if card.kind == "classifier":
        every = tasks.load_cases(tasks.task_of_card(card), data, card.seed)
    else:
        source = source_of(card)
        every = sources.load_cases(source, data, card.seed)
    table = cards.scores(card)
    test = {case for case, split in zip(table.case, table.split, strict=True) if split == "test"}
    return [case for case in every if case.name in test]


def at_equal_detail(model: Model, cases: Sequence[Case], even: Tensor, boxes: Tensor) -> dict[str, float]:
    """The card's AUC on the scans, and that of their detail, whichever way round.

    model: of the card.
    cases: one of each scan.
    even: (N, 1, H, W), in [0, 1], equally detailed.
    boxes: (N, 4), fractions, where detail counts.
    """
    abnormal = [case.label != model.card.labels[0] for case in cases]
    scores = [
        inference.judge(model, Scan(film[0].numpy(), digest="", name=case.name)).score
        for film, case in tqdm(zip(even, cases, strict=True), model.card.id, len(cases), mininterval=10)
    ]
    detail = float(roc_auc_score(abnormal, sharpness_inside(even, boxes).numpy()))
    return {
        names.AUC_EQUAL_DETAIL: float(roc_auc_score(abnormal, scores)),
        names.AUC_OF_DETAIL: max(detail, 1 - detail),
    }


if __name__ == "__main__":
    main()
