"""From a finished network to its folder in weights/: scores, threshold, figures, card."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import ks_2samp
from torch import nn
from tqdm import tqdm

from core import cards, checkpoints, images, inference, thresholds
from core.card_types import Card, Scores
from core.evaluate import evaluate
from core.inference import Model
from core.types import EvaluationReport, Prediction
from train import provenance
from train.data import Case


def publish(draft: Card, network: nn.Module, cases: Sequence[Case], known: Scores | None = None) -> Card:
    """Score validation and test as the app would, choose the threshold on validation, write the folder.

    draft: a card whose threshold, report, shift and sha256 are still to be filled in. Scales and trust of its
    heat maps come from train.trust. known: the scores, where the same network gave them already.
    """
    data = checkpoints.pack(network)
    draft = replace(draft, sha256=provenance.sha256(data))
    model = Model(draft, checkpoints.unpack(draft, data))  # the stored weights, rounded as they will ship
    held_out = [case for case in cases if case.split in ("validation", "test")]
    table = known or score(model, held_out)
    labels, split = np.array(table.label) != draft.labels[0], np.array(table.split)
    chosen = split == "validation"
    threshold = thresholds.choose(draft.policy, labels[chosen], table.score[chosen])
    reports = {
        name: evaluate(
            name,
            labels[split == name],
            table.score[split == name],
            points={draft.policy.name: threshold},
            probabilistic=draft.kind == "classifier",
        )
        for name in ("validation", "test")
    }
    card = replace(
        draft,
        threshold=threshold,
        report=reports,
        shift=shift(reports, table.score[~labels & chosen], table.score[~labels & ~chosen]),
    )
    cards.write(card, data, table)
    announce(card)
    return card


def score(model: Model, cases: Sequence[Case]) -> Scores:
    """Judge each file exactly as the app does. The gate is not asked: every case counts."""
    results = [
        inference.judge(model, images.read(case.path.read_bytes(), case.name))
        for case in tqdm(cases, desc="scoring", unit="scan", mininterval=5)
    ]
    labels = model.card.labels if model.card.kind == "classifier" else ()
    return Scores(
        split=tuple(case.split for case in cases),
        case=tuple(case.name for case in cases),
        label=tuple(case.label for case in cases),
        score=np.array([result.score for result in results]),
        probabilities={
            label: np.array([r.probabilities[label] for r in results if isinstance(r, Prediction)])
            for label in labels
        },
    )


def shift(
    reports: dict[str, EvaluationReport], normals: np.ndarray, test_normals: np.ndarray
) -> dict[str, float]:
    """Test minus validation, and how far apart the normals' scores lie (Kolmogorov-Smirnov, 0 to 1)."""
    before, after = reports["validation"], reports["test"]
    return {
        "auc": after.auc - before.auc,
        "sensitivity": after.points[0].sensitivity - before.points[0].sensitivity,
        "specificity": after.points[0].specificity - before.points[0].specificity,
        "normals_ks": float(ks_2samp(normals, test_normals).statistic),
    }


def announce(card: Card) -> None:
    """Print the figures that the card now holds."""
    for name, report in card.report.items():
        point = report.points[0]
        low, high = report.auc_interval
        print(
            f"{card.id} {name}: AUC {report.auc:.4f} ({low:.4f}-{high:.4f}), "
            f"accuracy {point.accuracy:.4f}, sensitivity {point.sensitivity:.4f}, "
            f"specificity {point.specificity:.4f} at {point.threshold:.4g} ({point.policy}), n {report.n}"
        )
