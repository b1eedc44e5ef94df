"""Cards, networks and scans. Networks are shared by all sessions; what comes from a scan never is.

What follows from labelled scores alone is in scores.

core modules that need torch or scikit-learn are imported inside functions, so that the frame of a page
is on screen before they load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import streamlit as st

from core import audit, cards
from core.card_types import Card, Scores
from core.errors import CardError, RefusedScan
from core.types import (
    AnomalyResult,
    Explanation,
    Faithfulness,
    FloatArray,
    Kind,
    LungFields,
    Prediction,
    Scan,
    verdict_of,
)

if TYPE_CHECKING:
    from core.explain import Option
    from core.inference import Model

RESULTS_KEPT = 16  # results kept per session and function
HEATMAPS_KEPT = 64  # per session


@dataclass(frozen=True, slots=True)
class HeatmapRequest:
    """A heat map to draw. arguments: the method's own, such as ("window", 32)."""

    card_id: str
    method: str
    label: str
    arguments: tuple[tuple[str, int], ...] = ()


@st.cache_data(show_spinner=False)
def every_card() -> tuple[Card, ...]:
    return cards.every()


@st.cache_data(show_spinner=False)
def broken_cards() -> dict[str, str]:
    return cards.broken()


@st.cache_data(show_spinner=False)
def scores(card_id: str) -> Scores:
    return cards.scores(card(card_id))


def offered(kind: Kind | None = None) -> list[Card]:
    """The cards of one kind, or of any: yardsticks last, so that no page opens with one."""
    cards_of_kind = [card for card in every_card() if kind in (None, card.kind)]
    return sorted(cards_of_kind, key=lambda card: card.yardstick)


def card(card_id: str) -> Card:
    return next(card for card in every_card() if card.id == card_id)


@st.cache_resource(show_spinner="Loading the model, once for everyone ...")
def model(card_id: str) -> Model:
    from core import inference

    return inference.load(card_id)


def milliseconds(card_id: str) -> float:
    """Median time of one reading on this machine, lungs found. The network is loaded for the measurement
    alone, so that timing every card never holds them all in memory. Raises CardError."""
    from core import cost, inference

    measured, (film, fields) = inference.load(card_id), cost.synthetic_scan()
    return cost.milliseconds(lambda: inference.judge(measured, film, fields))


@st.cache_data(show_spinner="Finding the lungs ...", scope="session", max_entries=RESULTS_KEPT)
def lungs(digest: str, _scan: Scan) -> LungFields:
    from core.anatomy import lungs

    return lungs.find(_scan)


@st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT)
def gate(card_id: str, digest: str, _scan: Scan) -> tuple[str, str]:
    """Why this card may not judge this scan and the test that failed; two empty texts when it may.

    The test is "card" when not the scan is at fault, but the weights are.
    """
    from core import gate

    try:
        model(card_id)
        gate.check(_scan, card(card_id), lungs(digest, _scan=_scan))
    except RefusedScan as reason:
        return str(reason), reason.test
    except CardError as fault:
        return str(fault), "card"
    return "", ""


def refusal(card_id: str, digest: str, _scan: Scan) -> str | None:
    """Why there is no verdict, or None: also None once a person overrode the gate for this scan and card."""
    reason, test = gate(card_id, digest, _scan=_scan)
    overridden = (card_id, digest) in st.session_state.get("overridden", ())
    return None if not reason or (overridden and test != "card") else reason


@st.cache_data(show_spinner=False, scope="session")
def record(card_id: str, digest: str, threshold: float, overridden: bool, score: float, _scan: Scan) -> None:
    """One line in the audit log per session, scan, card and threshold."""
    verdict = verdict_of(score, threshold)
    audit.record(card(card_id), _scan, threshold=threshold, verdict=verdict, overridden=overridden)


@st.cache_data(show_spinner="Reading the scan ...", scope="session", max_entries=RESULTS_KEPT)
def prediction(card_id: str, digest: str, _scan: Scan) -> Prediction:
    from core import inference

    return inference.classify(model(card_id), _scan, lungs(digest, _scan=_scan))


@st.cache_data(show_spinner="Comparing with normal scans ...", scope="session", max_entries=RESULTS_KEPT)
def anomaly(card_id: str, digest: str, _scan: Scan) -> AnomalyResult:
    from core import inference

    return inference.detect(model(card_id), _scan, lungs(digest, _scan=_scan))


@st.cache_resource(show_spinner=False, scope="session")
def _heatmaps() -> dict[object, Explanation | Faithfulness]:
    """Heat maps and what was measured on them. st.cache_data keeps no function that draws its progress."""
    return {}


def _keep(key: object, value: Explanation | Faithfulness) -> None:
    held = _heatmaps()
    held[key] = value
    while len(held) > HEATMAPS_KEPT:
        held.pop(next(iter(held)))


def explanation(
    request: HeatmapRequest, scan: Scan, progress: Callable[[float], None] | None = None
) -> Explanation:
    """The requested heat map. progress: called with the share done, unless the map is there already."""
    from core import inference

    key = ("map", scan.digest, request)
    if key not in _heatmaps():
        explained = inference.explain(
            model(request.card_id),
            scan,
            method=request.method,
            label=request.label,
            fields=lungs(scan.digest, _scan=scan),
            arguments=dict(request.arguments),
            progress=progress,
        )
        _keep(key, explained)
    return cast("Explanation", _heatmaps()[key])


def faithfulness(
    request: HeatmapRequest, scan: Scan, progress: Callable[[float], None] | None = None
) -> Faithfulness:
    """Deletion and insertion of the requested heat map."""
    from core import inference

    key = ("faithfulness", scan.digest, request)
    if key not in _heatmaps():
        shown, fields = explanation(request, scan), lungs(scan.digest, _scan=scan)
        _keep(key, inference.faithfulness(model(request.card_id), scan, shown, fields, progress))
    return cast("Faithfulness", _heatmaps()[key])


def is_measured(request: HeatmapRequest, scan: Scan) -> bool:
    """Whether `faithfulness` would answer at once."""
    return ("faithfulness", scan.digest, request) in _heatmaps()


@st.cache_data(show_spinner=False)
def explainers(card_id: str) -> tuple[str, ...]:
    """The methods that the card has a scale for, the one to trust most first."""
    from core.explain import EXPLAINERS

    known = (name for name in EXPLAINERS if name in card(card_id).scales)
    return tuple(sorted(known, key=lambda name: name != best_explainer(card_id)))


@st.cache_data(show_spinner=False)
def best_explainer(card_id: str) -> str | None:
    """The method that the card's trust table puts first; None without a table."""
    from core.explain import trust

    return trust.best_method(card(card_id).trust)


@st.cache_data(show_spinner=False)
def explainer_options(method: str) -> dict[str, Option]:
    """What a person may set about a method."""
    from core.explain import OPTIONS

    return dict(OPTIONS.get(method, {}))


def labels_and_scores(card_id: str, split: str) -> tuple[list[int], list[float]]:
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
    from core.evaluation.binary import percentile_among

    labels, values = labels_and_scores(card_id, "test")
    return percentile_among([v for label, v in zip(labels, values, strict=True) if not label], score)


@st.cache_data(show_spinner=False)
def p_value(card_id: str, score: float) -> float:
    """Conformal p-value of the score among normal validation scans."""
    from core.detectors.conformal import p_value

    labels, values = labels_and_scores(card_id, "validation")
    return p_value([v for label, v in zip(labels, values, strict=True) if not label], score)


@st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT)
def as_seen(card_id: str, digest: str, _scan: Scan) -> FloatArray:
    """The scan as the network is fed it, in scan geometry."""
    from core import inference

    return inference.as_seen(model(card_id), _scan, lungs(digest, _scan=_scan))


def forget() -> None:
    """Drop everything that this session derived from scans."""
    for function in (
        lungs,
        gate,
        record,
        prediction,
        anomaly,
        _heatmaps,
        as_seen,
        heatmap,
    ):
        function.clear()


@dataclass(frozen=True, slots=True)
class ScreeningResult:
    """The result of one of many files. score is None unless status is "ok"; error says why."""

    status: str
    score: float | None
    error: str
    probabilities: Mapping[str, float]


def screen(card_id: str, data: bytes, name: str) -> ScreeningResult:
    """Read a file and score it; only the result is kept."""
    from core.batch import screening

    row = screening.judge_named(model(card_id), data, name)
    return ScreeningResult(row.status, row.score, row.error, row.probabilities)


@st.cache_data(show_spinner=False, scope="session", max_entries=HEATMAPS_KEPT)
def heatmap(card_id: str, digest: str, label: str, _scan: Scan) -> tuple[FloatArray, float] | None:
    """The map of a scan and its full-colour scale: evidence for the label, or the detector's deviation.

    None for a classifier that has no heat map.
    """
    from core import inference

    chosen, fields = card(card_id), lungs(digest, _scan=_scan)
    if chosen.kind == "detector":
        return inference.detect(model(card_id), _scan, fields).map, chosen.scales["map"]
    if not chosen.scales:
        return None
    method = "grad-cam" if "grad-cam" in chosen.scales else explainers(card_id)[0]
    drawn = inference.explain(model(card_id), _scan, method=method, label=label, fields=fields)
    return drawn.heatmap, drawn.scale
