"""The scans that a card's threshold is chosen by, test never among them."""

from itertools import compress
from pathlib import Path

import numpy as np

from core import cards
from core.card_types import Card, Policy, Scores
from core.evaluation import sources, thresholds

HELD = "validation"


def scans(card: Card, table: Scores, root: Path = cards.WEIGHTS) -> Scores:
    """Validation, and every normal scan of training where the card has their scores.

    Those come from networks like the card's own, each taught without the runs of file numbers that it
    judges, as in cross-conformal prediction (Vovk 2015; Barber 2021, arXiv:1905.02928).
    card: whose scores.
    table: its scores.csv.
    root: where all cards lie.
    """
    held = np.array(table.split) == HELD
    more = cards.normals(card, root)
    if more is None:
        more = Scores((), (), (), np.empty(0), {})
    return Scores(
        split=(*compress(table.split, held), *more.split),
        case=(*compress(table.case, held), *more.case),
        label=(*compress(table.label, held), *more.label),
        score=np.concatenate([table.score[held], more.score]),
        probabilities={},
    )


def threshold(card: Card, policy: Policy, table: Scores, root: Path = cards.WEIGHTS) -> float:
    """Where a policy cuts them, runs of file numbers kept together.

    card: whose scores.
    policy: any; the card's own gives its threshold.
    table: its scores.csv.
    root: where all cards lie.
    Raises what `thresholds.choose` raises.
    """
    chosen = scans(card, table, root)
    abnormal = [int(label != card.labels[0]) for label in chosen.label]
    groups = sources.runs(card.modality, chosen.case)
    return thresholds.choose(policy, abnormal, chosen.score, groups=groups)
