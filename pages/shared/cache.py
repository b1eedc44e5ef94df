"""Every cache of the app. Networks are shared by all sessions; what comes from a scan never is.

core modules that need torch or scikit-learn are imported inside functions, so that the frame of a page
is on screen before they load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import cards
from core.errors import RefusedScan
from core.types import AnomalyResult, Card, Explanation, FloatArray, LungFields, Prediction, Scan, Scores

if TYPE_CHECKING:
    from core.inference import Model
    from core.operating_points import Layer
    from core.types import OperatingPoint, Policy

HELD = 16  # results kept per session and function


@st.cache_data(show_spinner=False)
def every_card() -> tuple[Card, ...]:
    return cards.every()


@st.cache_data(show_spinner=False)
def scores(card_id: str) -> Scores:
    return cards.scores(card(card_id))


def card(card_id: str) -> Card:
    return next(card for card in every_card() if card.id == card_id)


@st.cache_resource(show_spinner="Loading the model, once for everyone ...")
def model(card_id: str) -> Model:
    from core import inference

    return inference.load(card_id)


@st.cache_data(show_spinner="Finding the lungs ...", scope="session", max_entries=HELD)
def lungs(digest: str, _scan: Scan) -> LungFields:
    from core import lungs

    return lungs.find(_scan)


@st.cache_data(show_spinner=False, scope="session", max_entries=HELD)
def refusal(card_id: str, digest: str, _scan: Scan) -> str | None:
    """Why this card may not judge this scan, or None."""
    from core import gate

    try:
        gate.check(_scan, card(card_id), lungs(digest, _scan=_scan))
    except RefusedScan as reason:
        return str(reason)
    return None


@st.cache_data(show_spinner="Reading the scan ...", scope="session", max_entries=HELD)
def prediction(card_id: str, digest: str, _scan: Scan) -> Prediction:
    from core import inference

    return inference.classify(model(card_id), _scan, lungs(digest, _scan=_scan))


@st.cache_data(show_spinner="Comparing with normal scans ...", scope="session", max_entries=HELD)
def anomaly(card_id: str, digest: str, _scan: Scan) -> AnomalyResult:
    from core import inference

    return inference.detect(model(card_id), _scan, lungs(digest, _scan=_scan))


@st.cache_data(show_spinner="Drawing the heat map ...", scope="session", max_entries=HELD)
def explanation(card_id: str, digest: str, method: str, label: str, _scan: Scan) -> Explanation:
    from core import inference

    fields = lungs(digest, _scan=_scan)
    return inference.explain(model(card_id), _scan, method=method, label=label, fields=fields)


@st.cache_data(show_spinner=False)
def explainers() -> tuple[str, ...]:
    from core.explain import EXPLAINERS

    return tuple(EXPLAINERS)


def labelled(card_id: str, split: str) -> tuple[list[int], list[float]]:
    """(labels as 0 and 1, scores) of one split of the card's scores.csv."""
    table, normal = scores(card_id), card(card_id).labels[0]
    rows = [i for i, name in enumerate(table.split) if name == split]
    return [int(table.label[i] != normal) for i in rows], [float(table.score[i]) for i in rows]


def score_of(chosen: Card, scan: Scan) -> float:
    """The scan's score, from whichever kind of card."""
    judge = prediction if chosen.kind == "classifier" else anomaly
    return judge(chosen.id, scan.digest, _scan=scan).score


@st.cache_data(show_spinner=False)
def percentile(card_id: str, score: float) -> float:
    """Share of normal test scans that score lower."""
    from core.evaluate import percentile_among

    labels, values = labelled(card_id, "test")
    return percentile_among([v for label, v in zip(labels, values, strict=True) if not label], score)


@st.cache_data(show_spinner=False)
def policy_threshold(card_id: str, policy: Policy) -> float:
    """Where the policy cuts on validation. Raises NoUsefulThreshold."""
    from core import thresholds

    return thresholds.choose(policy, *labelled(card_id, "validation"))


@st.cache_data(show_spinner=False)
def operating_point(card_id: str, split: str, threshold: float, policy: str) -> OperatingPoint:
    from core.evaluate import operating_point

    return operating_point(*labelled(card_id, split), threshold, policy)


@st.cache_data(show_spinner=False, scope="session", max_entries=HELD)
def as_seen(card_id: str, digest: str, _scan: Scan) -> FloatArray:
    """The scan as the network is fed it, in scan geometry."""
    from core import inference

    return inference.as_seen(model(card_id), _scan, lungs(digest, _scan=_scan))


def forget() -> None:
    """Drop everything that this session derived from scans."""
    for function in (lungs, refusal, prediction, anomaly, explanation, as_seen):
        function.clear()


@st.cache_data(show_spinner=False)
def counted(card_id: str, split: str) -> Layer:
    """One split of the card's scores, counted at every threshold."""
    from core import operating_points

    return operating_points.layer(*labelled(card_id, split))


@st.cache_data(show_spinner=False)
def precision_recall_curves(card_id: str, split: str) -> dict[str, tuple[list[float], list[float]]]:
    """Precision and recall at 200 thresholds between the lowest and the highest score."""
    import numpy as np

    from core.evaluate import curve_at

    labels, values = labelled(card_id, split)
    at = np.linspace(min(values), max(values), 200)
    curves = curve_at(labels, values, at)
    return {name: (at.tolist(), curves[name].tolist()) for name in ("precision", "recall")}
