"""What a card does on each source apart, and how far its probabilities hold there."""

from collections.abc import Mapping

import numpy as np

from core import names
from core.card_types import Card, Scores
from core.evaluation import by_source
from core.evaluation.binary import evaluate
from core.names import WORST_SOURCE_VALIDATED
from core.types import EvaluationReport

PREFIXES = {
    "Kermany": ("train/", "test/"),
    "COVID-19 Radiography": ("covid_radiography/",),
    "NIH": ("adults_nih/", "adults_rsna_128/"),
    "NIH, mined labels": ("adults_nih/",),
    "NIH, read by RSNA": ("adults_rsna_128/",),
    "Shenzhen": ("tuberculosis/shenzhen/",),
    "Montgomery": ("tuberculosis/montgomery/",),
}
HOSPITALS = ("Kermany", "COVID-19 Radiography", "NIH")  # of which the worst counts


def figures(card: Card, scores: Scores) -> dict[str, float]:
    """Per source on test, with 95 % intervals; the worst source on validation; calibration on test."""
    found: dict[str, float] = {}
    areas: list[float] = []
    for source in PREFIXES:
        tested = _of_source(card, scores, source, "test")
        if tested is not None:
            found |= _figures(source, tested)
        validated = _of_source(card, scores, source, "validation")
        if source in HOSPITALS and validated is not None:
            areas.append(validated.auc)
    if len(areas) == len(HOSPITALS):
        found[WORST_SOURCE_VALIDATED] = min(areas)
    return found | _calibration(card, scores)


def _of_source(card: Card, scores: Scores, source: str, split: str) -> EvaluationReport | None:
    """None where the source has one class alone."""
    chosen = np.array(
        [
            s == split and c.startswith(PREFIXES[source])
            for s, c in zip(scores.split, scores.case, strict=True)
        ]
    )
    abnormal = np.array([label != card.labels[0] for label in scores.label])[chosen]
    if not abnormal.any() or abnormal.all():
        return None
    points = {card.policy.name: card.threshold}
    return evaluate(split, abnormal, scores.score[chosen], points=points, probabilistic=True)


def _figures(source: str, report: EvaluationReport) -> dict[str, float]:
    point = report.points[0]
    rates: Mapping[str, tuple[float, tuple[float, float]]] = {
        "AUC": (report.auc, report.auc_interval),
        "accuracy": (point.accuracy, point.accuracy_interval),
        "sensitivity": (point.sensitivity, point.sensitivity_interval),
        "specificity": (point.specificity, point.specificity_interval),
    }
    found = {f"{names.SCANS_OF}{source}": float(report.n)}
    for name, (value, (low, high)) in rates.items():
        found |= {
            f"{name}, {source}": value,
            f"{name}, {source}, from": low,
            f"{name}, {source}, to": high,
        }
    return found | ({f"ECE, {source}": report.ece} if report.ece is not None else {})


def _calibration(card: Card, scores: Scores) -> dict[str, float]:
    """Slope and intercept of the log odds on test: 1 and 0 where probabilities hold."""
    chosen = np.array(scores.split) == "test"
    abnormal = np.array([label != card.labels[0] for label in scores.label])[chosen]
    slope, intercept = by_source.calibration(abnormal.astype(np.int64), scores.score[chosen])
    return {
        names.CALIBRATION_SLOPE: slope,
        names.CALIBRATION_INTERCEPT: intercept,
    }
