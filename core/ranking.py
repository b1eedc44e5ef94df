"""Which card a person is offered first."""

from core.card_types import Card
from core.names import AUROC_DRAWN_LESIONS, WORST_SOURCE

# offered in this order, others after them
TASKS = ("pneumonia", "etiology", "covid", "opacity", "tuberculosis", "chest anomaly")
SYNTHETIC_LESION_MODELS = ("restoring",)  # they have a head start on drawn lesions
SLOW = ("ensemble-classifier",)  # as slow as all its members, so that nobody lands on it unasked
BY_PLACE = ("lung-evidence",)  # their map is their reason: of equals they are offered first
YARDSTICK_MARGIN = 0.02  # by this much a detector must beat the yardstick there to be offered before it


def order(card: Card) -> tuple[str, bool, int, str, float, bool]:
    """A key to sort by: by task, the default first. Test is for reports only.

    Classifiers go by their validation AUC, those of many sources first and by the worst left out; of equals
    those come first that say where. Detectors may learn nothing from sick scans, not even which of them is
    best: ensembles of different detectors come first, then those that find lesions drawn into normal scans.
    A person's own cards come last, so that no page opens with one.
    """
    by_place = card.model in BY_PLACE
    return card.kind, card.origin == "own", _place(card.task), card.task, -_rank(card), not by_place


def _place(task: str) -> int:
    return TASKS.index(task) if task in TASKS else len(TASKS)


def _rank(card: Card) -> float:
    if card.model in SLOW:
        return 0.0
    if card.kind == "classifier":
        worst = card.figures.get(WORST_SOURCE)
        return card.report["validation"].auc if worst is None else 1 + worst
    if card.model in SYNTHETIC_LESION_MODELS:
        return 0.0
    if card.model == "ensemble":
        return 1.0
    return card.figures.get(AUROC_DRAWN_LESIONS, 0.0) + YARDSTICK_MARGIN * card.yardstick
