"""From a finished network to its folder in weights/: scores, threshold, figures, card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from scipy.stats import ks_2samp
from torch import nn
from tqdm import tqdm

from core import cards, checkpoints, inference
from core.card_types import Card, Scores
from core.evaluation import choosing
from core.evaluation.binary import evaluate
from core.inference import Model
from core.reading import images
from core.types import EvaluationReport, Prediction
from train.data.datasets import Case
from train.publish import provenance


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A card still without threshold, report and shift, and its weights as they will ship."""

    card: Card
    data: bytes


def pack(card: Card, network: nn.Module) -> Draft:
    """The network rounded as weights/ keeps it, under the card with its sha256."""
    data = checkpoints.pack(network)
    return Draft(replace(card, sha256=provenance.sha256(data)), data)


def score_cases(draft: Draft, cases: Sequence[Case], root: Path = cards.WEIGHTS) -> Scores:
    """Judge validation and test exactly as the app does. The gate is not asked: every case counts.

    draft: the network as it will ship.
    cases: of all splits.
    root: where the cards lie that the network stands on.
    """
    card = draft.card
    model = Model(card, checkpoints.unpack(card, draft.data, root))
    held_out = [case for case in cases if case.split in ("validation", "test")]
    results = [
        inference.judge(model, images.read(case.path.read_bytes(), case.name))
        for case in tqdm(held_out, desc="scoring", unit="scan", mininterval=5)
    ]
    probabilities = {
        label: np.array([r.probabilities[label] for r in results if isinstance(r, Prediction)])
        for label in (card.labels if card.kind == "classifier" else ())
    }
    return tabulate(held_out, np.array([result.score for result in results]), probabilities)


def tabulate(
    cases: Sequence[Case], scores: np.ndarray, probabilities: Mapping[str, np.ndarray] = MappingProxyType({})
) -> Scores:
    """The rows of a scores.csv, to its digits.

    cases: one a row.
    scores: (N,), one of each case.
    probabilities: (N,) of each class, for classifiers.
    """
    table = Scores(
        split=tuple(case.split for case in cases),
        case=tuple(case.name for case in cases),
        label=tuple(case.label for case in cases),
        score=scores,
        probabilities=probabilities,
    )
    return cards.as_written(table)


def publish_card(draft: Draft, scores: Scores, root: Path = cards.WEIGHTS) -> Card:
    """Choose the threshold on validation, report both splits, write the folder.

    Everything follows from the digits that scores.csv keeps, so that card and table say the same; the look at
    test goes into the card's log. Scales and
    trust of a classifier's heat maps come later, from train.trust.
    draft: without threshold and report.
    scores: of its validation and test cases.
    root: where all cards lie.
    """
    table = cards.as_written(scores)
    card = with_report(draft.card, table, root)
    cards.write(card, draft.data, table, root)
    provenance.log_opening(card.id, card.report["test"].auc, root=root)
    print_report(card)
    return card


def with_report(card: Card, scores: Scores, root: Path = cards.WEIGHTS) -> Card:
    """The card with its threshold, reports and shift.

    card: as drafted.
    scores: of its validation and test cases.
    root: where scores of its training normals lie, if there are any.
    """
    table = cards.as_written(scores)
    abnormal, split = np.array(table.label) != card.labels[0], np.array(table.split)
    chosen = split == "validation"
    threshold = choosing.threshold(card, card.policy, table, root)
    reports = {
        name: evaluate(
            name,
            abnormal[split == name],
            table.score[split == name],
            points={card.policy.name: threshold},
            probabilistic=card.kind == "classifier",
        )
        for name in ("validation", "test")
    }
    moved = split_shift(reports, table.score[~abnormal & chosen], table.score[~abnormal & ~chosen])
    return replace(card, threshold=threshold, report=reports, shift=moved)


def split_shift(
    reports: dict[str, EvaluationReport], normals: np.ndarray, test_normals: np.ndarray
) -> dict[str, float]:
    """Test minus validation, and how far apart the normals' scores lie (Kolmogorov-Smirnov, 0 to 1).

    reports: by split.
    normals, test_normals: (N,), scores of normal cases in validation and in test.
    """
    before, after = reports["validation"], reports["test"]
    return {
        "auc": after.auc - before.auc,
        "sensitivity": after.points[0].sensitivity - before.points[0].sensitivity,
        "specificity": after.points[0].specificity - before.points[0].specificity,
        "normals_ks": float(ks_2samp(normals, test_normals).statistic),
    }


def print_report(card: Card) -> None:
    """Print the figures that the card now holds."""
    for name, report in card.report.items():
        point = report.points[0]
        low, high = report.auc_interval
        print(
            f"{card.id} {name}: AUC {report.auc:.4f} ({low:.4f}-{high:.4f}), "
            f"accuracy {point.accuracy:.4f}, sensitivity {point.sensitivity:.4f}, "
            f"specificity {point.specificity:.4f} at {point.threshold:.4g} ({point.policy}), n {report.n}"
        )
