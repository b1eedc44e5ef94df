"""What a card knows of itself, as sentences for checklists. A fact that it does not know is left out."""

from collections.abc import Sequence
from pathlib import Path

from core import cards, names
from core.card_types import Card
from core.evaluation import by_source, openings
from core.evaluation.by_source import SourceRow
from core.evaluation.clustered import Rate

_FROM_DATA = {
    "data": "name",
    "data licence": "licence",
    "partitions": "split",
    "hospitals": "hospitals",
    "reference standard": "labelled by",
    "ages": "ages",
    "sexes": "sexes",
    "dates": "years",
    "devices": "machines",
}
_ROBUSTNESS = (
    names.AUC_EQUAL_SHARPNESS,
    names.AUROC_EQUAL_SHARPNESS,
    names.AUC_EQUAL_DETAIL,
    names.AUC_OF_DETAIL,
    names.AUC_SHARPENED,
)


def answers(card: Card, root: Path) -> dict[str, str]:
    """Fact to sentence. root: where the card's scores and log lie."""
    rows = by_source.rows(card, root=root)
    found = {fact: str(card.data[key]) for fact, key in _FROM_DATA.items() if key in card.data}
    found |= _model(card, root) | _study(card, root) | _figures(card) | _places(rows)
    return {fact: answer for fact, answer in found.items() if answer}


def _model(card: Card, root: Path) -> dict[str, str]:
    spec, training = card.input, card.training
    arguments = ", ".join(f"{name} {value}" for name, value in card.arguments.items())
    settings = ", ".join(f"{name} {value}" for name, value in training.settings.items())
    return {
        "technology": f"{card.kind}, {card.model}",
        "model": f"{card.model} ({arguments}), {training.parameters:,} parameters",
        "software": "PyTorch; versions in requirements.txt at the commit of the code",
        "training": f"{training.command}; {settings or 'no settings'}; {training.minutes:g} minutes",
        "ensembling": str(card.arguments.get("members", "none")),
        "preprocessing": (
            f"{spec.region} cut out of the {spec.view} view, {spec.size} x {spec.size} pixels, "
            f"{spec.channels} channel(s), outside of the hull {spec.outside}"
        ),
        "decision": (
            f"{'P(abnormal)' if card.kind == 'classifier' else 'anomaly score'}; abnormal from "
            f"{card.threshold:g} on, chosen by {card.policy.name} on validation"
            f"{' and on training normals judged out of fold' if cards.normals(card, root) else ''}"
        ),
        "code": f"commit {card.commit}, seed {card.seed}",
        "availability": f"code: MIT; weights: {card.licence}, sha256 {card.sha256[:12]}",
    }


def _study(card: Card, root: Path) -> dict[str, str]:
    parts = [f"{name}: {r.n} scans, {r.abnormal} abnormal" for name, r in card.report.items()]
    trained = [f"{name}: {n}" for name, n in card.data.items() if name.startswith("train")]
    looks = openings.count(card.id, root=root)
    refused = card.gate.refusals if card.gate else ()
    return {
        "title": f"{card.title}: {card.task}, {card.modality}",
        "question": f"{card.task}: {', '.join(card.labels)}",
        "labels": ", ".join(card.labels),
        "intended use": card.intended_use,
        "limitations": " ".join(card.limitations),
        "design": "retrospective, on public data sets",
        "flow": "; ".join([*trained, *parts]),
        "openings": f"test scored {looks} time(s) as far as known" if looks else "",
        "gate": "; ".join(f"{kind.kind}: {kind.refused} of {kind.n} refused" for kind in refused),
        "explainability": ", ".join(card.trust),
    }


def _figures(card: Card) -> dict[str, str]:
    test, figures = card.report["test"], card.figures
    point = test.points[0]
    rates = (
        ("accuracy", point.accuracy, point.accuracy_interval),
        ("sensitivity", point.sensitivity, point.sensitivity_interval),
        ("specificity", point.specificity, point.specificity_interval),
    )
    return {
        "metrics": "AUC, average precision, accuracy, sensitivity, specificity, predictive values, F1"
        + (", Brier score, calibration error" if card.kind == "classifier" else ""),
        "uncertainty": "95 % intervals: of the AUC by DeLong, of shares by Wilson; per source by patient",
        "seeds": _seeds(card),
        "performance": f"test AUC {_said(test.auc, test.auc_interval)}, n {test.n}",
        "accuracy": ", ".join(f"{name} {_said(value, interval)}" for name, value, interval in rates),
        "internal": f"validation AUC {card.report['validation'].auc:.3f}",
        "calibration": "" if test.ece is None else f"calibration error {test.ece:.3f}",
        "shift": ", ".join(f"{name} {value:+.3f}" for name, value in card.shift.items()),
        "robustness": ", ".join(f"{name} {figures[name]:.3f}" for name in _ROBUSTNESS if name in figures),
    }


def _seeds(card: Card) -> str:
    if names.SEEDS not in card.figures:
        return "spread over seeds not known"
    spread = card.figures[names.SEED_AUC_SPREAD]
    return f"validation AUC spreads by {spread:.4f} over {card.figures[names.SEEDS]:.0f} seeds"


def _places(rows: Sequence[SourceRow]) -> dict[str, str]:
    said = {row.source: _row(row) for row in rows}
    worst = [row.source for row in rows if row.worst]
    return {
        "by source": "; ".join(said.values()) if len(rows) > 1 else "",
        "external": "; ".join(said[row.source] for row in rows if not row.home),
        "failures": f"worst source: {said[worst[0]]}; by view and age not known" if worst else "",
    }


def _row(row: SourceRow) -> str:
    auc = "" if row.auc is None else f"AUC {row.auc:.3f}, "
    return f"{row.source} {auc}sensitivity {_rate(row.sensitivity)}, specificity {_rate(row.specificity)}"


def _rate(rate: Rate | None) -> str:
    return "not known" if rate is None else _said(rate.value, rate.interval)


def _said(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"
