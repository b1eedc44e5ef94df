"""What follows from labelled scores: a card's own, or those of a person's scans, which no other sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core import names
from core.card_types import Card
from core.types import EvaluationReport
from pages.shared.caches import models
from pages.shared.caches.models import labels_and_scores, of_card

if TYPE_CHECKING:
    import numpy as np

    from core.card_types import Policy
    from core.evaluation.by_source import SourceRow
    from core.evaluation.comparison import Comparison
    from core.evaluation.likelihood import LikelihoodRatio
    from core.evaluation.model_selection import Choice, LabelledScores
    from core.evaluation.multiclass import ClassReport
    from core.evaluation.operating_points import Layer
    from core.evaluation.promises import Promise
    from core.types import OperatingPoint

RESULTS_KEPT = 16  # results kept per function, of scans also per session
Line = tuple[list[float], list[float]]
PERFECT: Line = ([0.0, 1.0], [0.0, 1.0])


@of_card(st.cache_data(show_spinner=False))
def policy_threshold(card_id: str, policy: Policy) -> float:
    """Where the policy cuts the scans that the card's threshold is chosen by. Raises NoUsefulThreshold."""
    from core.evaluation import choosing

    return choosing.threshold(models.card(card_id), policy, models.scores(card_id))


@of_card(st.cache_data(show_spinner=False))
def promises(card_id: str, policies: Sequence[Policy] | None = None) -> tuple[Promise, ...]:
    """What each policy that has a threshold promised on validation and kept elsewhere; the usual ones when
    None."""
    from core.evaluation import promises

    table = models.scores(card_id)
    return promises.promises(models.card(card_id), policies or promises.POLICIES, table=table)


@of_card(st.cache_data(show_spinner=False))
def likelihood_ratio(card_id: str) -> LikelihoodRatio:
    """Of the card's scores, fitted on validation."""
    from core.evaluation import likelihood

    probabilistic = models.card(card_id).kind == "classifier"
    return likelihood.fit(*labels_and_scores(card_id, "validation"), of_probabilities=probabilistic)


@of_card(st.cache_data(show_spinner=False))
def sources(card_id: str) -> tuple[SourceRow, ...]:
    """What the card does on each source that it was measured on."""
    from core.evaluation import by_source

    return by_source.rows(models.card(card_id), table=models.scores(card_id))


@of_card(st.cache_data(show_spinner=False))
def whole_test(card_id: str) -> SourceRow:
    """What the card does on all of its test scans."""
    from core.evaluation import by_source

    return by_source.whole(models.card(card_id), table=models.scores(card_id))


@of_card(st.cache_data(show_spinner=False))
def of_both_classes(card_id: str) -> SourceRow | None:
    """The same without sources of one class; None where there is none such."""
    from core.evaluation import by_source

    return by_source.of_both_classes(models.card(card_id), table=models.scores(card_id))


@of_card(st.cache_data(show_spinner=False))
def source_only_auc(card_id: str) -> float | None:
    """What guessing by the source alone reaches on the card's test scans; None where they are of one."""
    from core.evaluation import by_source

    return by_source.source_only_auc(models.card(card_id), table=models.scores(card_id))


def equal_detail(card_id: str) -> tuple[float, float] | None:
    """The AUC at equal detail, and what that detail itself then tells; None where that proves nothing."""
    from core.evaluation import by_source

    return by_source.equal_detail(models.card(card_id))


@of_card(st.cache_data(show_spinner=False))
def training_normals(card_id: str) -> int:
    """How many of them the card's threshold is chosen by, beside validation."""
    from core.evaluation import choosing

    chosen = choosing.scans(models.card(card_id), models.scores(card_id))
    return sum(split != choosing.HELD for split in chosen.split)


@st.cache_data(show_spinner=False)
def default_sources() -> tuple[SourceRow, ...]:
    """The same of every card that a task opens with."""
    from core.evaluation import by_source

    return tuple(row for card in by_source.defaults() for row in sources(card.id))


@of_card(st.cache_data(show_spinner=False))
def operating_point(card_id: str, split: str, threshold: float, policy: str) -> OperatingPoint:
    from core.evaluation.binary import operating_point

    return operating_point(*labels_and_scores(card_id, split), threshold, policy)


@of_card(st.cache_data(show_spinner=False))
def counts_by_threshold(card_id: str, split: str) -> Layer:
    """One split of the card's scores, counted at every threshold."""
    from core.evaluation import operating_points

    return operating_points.layer(*labels_and_scores(card_id, split))


@of_card(st.cache_data(show_spinner=False))
def precision_recall_curves(card_id: str, split: str) -> dict[str, tuple[list[float], list[float]]]:
    """Precision and recall at 200 thresholds between the lowest and the highest score."""
    import numpy as np

    from core.evaluation.binary import curve_at

    labels, values = labels_and_scores(card_id, split)
    at = np.linspace(min(values), max(values), 200)
    curves = curve_at(labels, values, at)
    return {name: (at.tolist(), curves[name].tolist()) for name in ("precision", "recall")}


@st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT)
def own_report(
    labels: tuple[int, ...], scores: tuple[float, ...], threshold: float, probabilistic: bool
) -> EvaluationReport:
    """The report on a labelled set of this session.

    labels: 0 normal, 1 abnormal.
    scores: one per label.
    threshold: the one in use.
    probabilistic: whether scores are probabilities, so that calibration has a meaning.
    """
    from core.evaluation.binary import evaluate

    points = {"card": threshold}
    return evaluate("here", labels, scores, points=points, probabilistic=probabilistic)


@st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT)
def own_counts(labels: tuple[int, ...], scores: tuple[float, ...]) -> Layer:
    from core.evaluation import operating_points

    return operating_points.layer(labels, scores)


@st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT)
def calibration(labels: tuple[int, ...], scores: tuple[float, ...]) -> dict[str, Line]:
    """Mean score against the share that is abnormal, in bins; and the diagonal."""
    from core.evaluation.binary import calibration_curve

    return {"these scans": calibration_curve(labels, scores), "perfect": PERFECT}


@of_card(st.cache_data(show_spinner=False))
def share_between(card_id: str, score: float, threshold: float) -> float:
    """How far apart the two are, on any scale: the share of the card's test scans that lie between them."""
    low, high = sorted((score, threshold))
    _, values = labels_and_scores(card_id, "test")
    return sum(low <= value < high for value in values) / len(values)


@of_card(st.cache_data(show_spinner=False))
def comparison(card_id: str, other: str) -> Comparison | None:
    """Two cards on the test cases that both have; None without enough of both classes."""
    from core.errors import NotEnoughLabels
    from core.evaluation import comparison, sources

    cards, tables = (
        [models.card(name) for name in (card_id, other)],
        [models.scores(card_id), models.scores(other)],
    )
    found = [
        {
            case: (label != card.labels[0], score)
            for case, label, score, split in zip(
                table.case, table.label, table.score, table.split, strict=True
            )
            if split == "test"
        }
        for card, table in zip(cards, tables, strict=True)
    ]
    shared = [case for case in found[0] if case in found[1] and found[0][case][0] == found[1][case][0]]
    try:
        return comparison.compare(
            [int(found[0][case][0]) for case in shared],
            *([one[case][1] for case in shared] for one in found),
            thresholds=(cards[0].threshold, cards[1].threshold),
            groups=sources.patients(cards[0].modality, shared),
        )
    except NotEnoughLabels:
        return None


def forget() -> None:
    """Drop everything that this session derived from its own scans."""
    for function in (own_report, own_counts, calibration):
        function.clear()


def _probabilities(card: Card, split: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """(true labels, probabilities by label in the card's order) of one split."""
    table = models.scores(card.id)
    rows = [place for place, name in enumerate(table.split) if name == split]
    return [table.label[place] for place in rows], {n: table.probabilities[n][rows] for n in card.labels}


@of_card(st.cache_data(show_spinner=False))
def class_report(card_id: str, threshold: float | None = None) -> ClassReport:
    """The test scans class by class: as the app would call them at a threshold, or by the most probable
    class without one. For classifiers."""
    from core.evaluation import multiclass

    truth, known = _probabilities(models.card(card_id), "test")
    called = multiclass.most_probable(known) if threshold is None else multiclass.verdicts(known, threshold)
    return multiclass.report(truth, called, known)


@of_card(st.cache_data(show_spinner=False))
def card_calibration(card_id: str) -> dict[str, Line]:
    """Calibration on test; where a temperature was fitted, also without it; and the diagonal."""
    from core.evaluation import multiclass
    from core.evaluation.binary import calibration_curve

    card = models.card(card_id)
    _, known = _probabilities(card, "test")
    labels, scores = labels_and_scores(card_id, "test")
    curves = {"test": calibration_curve(labels, scores), "perfect": PERFECT}
    if names.TEMPERATURE in card.figures:
        before = multiclass.undo_temperature(known, card.figures[names.TEMPERATURE])
        curves["test, before scaling"] = calibration_curve(labels, 1 - before[card.labels[0]])
    return curves


@of_card(st.cache_data(show_spinner=False))
def megabytes(card_id: str) -> float | None:
    """Weights on disk; None when a file is missing, which the card says itself once it is used."""
    from core import cost
    from core.errors import MissingWeights, UnknownName

    try:
        return cost.megabytes(models.card(card_id))
    except (MissingWeights, UnknownName):
        return None


def recommendations(
    card_ids: tuple[str, ...], measured: tuple[float | None, ...], specificity: float, margin: float
) -> dict[str, Choice | None]:
    """The best card for each purpose.

    card_ids: the candidates.
    measured: milliseconds per card, None where nobody measured.
    specificity: kept in triage.
    margin: of AUC that low resources may give up.
    """
    versions = tuple(models.card(card_id).version for card_id in card_ids)
    return _recommendations(versions, measured, specificity, margin)


@st.cache_data(show_spinner=False, max_entries=RESULTS_KEPT)
def _recommendations(
    versions: tuple[str, ...],
    measured: tuple[float | None, ...],
    specificity: float,
    margin: float,
) -> dict[str, Choice | None]:
    from core.evaluation import model_selection

    card_ids = [version.partition("@")[0] for version in versions]
    candidates = [
        model_selection.Candidate(card_id, _split(card_id, "validation"), _split(card_id, "test"), time)
        for card_id, time in zip(card_ids, measured, strict=True)
    ]
    return {
        "triage": model_selection.triage(candidates, specificity=specificity),
        "balanced": model_selection.balanced(candidates),
        "low-resource": model_selection.low_resource(candidates, margin=margin),
    }


def _split(card_id: str, split: str) -> LabelledScores:
    from core.evaluation import model_selection

    labels, scores = labels_and_scores(card_id, split)
    return model_selection.LabelledScores(tuple(labels), tuple(scores))
