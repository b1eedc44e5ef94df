"""Cards, networks and verdicts. Networks are shared by all sessions; what comes from a scan never is.

Heat maps are in heatmaps, what follows from labelled scores alone in scores.

core modules that need torch or scikit-learn are imported inside functions, so that the frame of a page
is on screen before they load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

import streamlit as st

from core import audit, cards
from core.card_types import Card, Scores
from core.errors import CardError, RefusedScan
from core.samples import readings
from core.types import (
    AS_SENT,
    AnomalyResult,
    ErrorFit,
    FloatArray,
    Kind,
    LungFields,
    Prediction,
    Scan,
    View,
    verdict_of,
)

if TYPE_CHECKING:
    from core.inference import Model

RESULTS_KEPT = 16  # results kept per session and function
Rest = ParamSpec("Rest")
Value = TypeVar("Value")
MODELS_KEPT = 4  # loaded, for all sessions: the one longest out of use makes way
MAPS_KEPT = 4  # of those as large as the scan, or twice as large


@st.cache_resource(show_spinner=False)
def _version() -> str:
    return cards.version()


def refresh() -> None:
    """Forget all that was made of cards once any changed on disk: a new one is seen, an old one outlived."""
    if _version() != cards.version():
        st.cache_data.clear()
        st.cache_resource.clear()


@st.cache_resource(show_spinner=False)
def every_card() -> tuple[Card, ...]:
    return cards.every()


@st.cache_data(show_spinner=False)
def broken_cards() -> dict[str, str]:
    return cards.broken()


def offered(kind: Kind | None = None) -> list[Card]:
    """The cards of one kind, or of any: yardsticks last, so that no page opens with one."""
    cards_of_kind = [card for card in every_card() if kind in (None, card.kind)]
    return sorted(cards_of_kind, key=lambda card: card.yardstick)


def card(card_id: str) -> Card:
    return next(card for card in every_card() if card.id == card_id)


class OfCard(Generic[Rest, Value]):
    """A function of a card's id whose answers are kept for these weights alone: others have a new sha256."""

    def __init__(
        self, keep: Callable[[Callable[..., Value]], Any], ask: Callable[Concatenate[str, Rest], Value]
    ) -> None:
        def ask_with(card_id: str, *rest: Any, sha256: str, **named: Any) -> Value:
            return ask(card_id, *rest, **named)

        # Streamlit tells functions apart by these
        ask_with.__module__, ask_with.__qualname__ = ask.__module__, ask.__qualname__
        self._kept = keep(ask_with)

    def __call__(self, card_id: str, *rest: Rest.args, **named: Rest.kwargs) -> Value:
        found: Value = self._kept(card_id, *rest, sha256=card(card_id).sha256, **named)
        return found

    def clear(self) -> None:
        """Let go of all answers."""
        self._kept.clear()


def of_card(
    keep: Callable[[Callable[..., Any]], Any],
) -> Callable[[Callable[Concatenate[str, Rest], Value]], OfCard[Rest, Value]]:
    """A decorator. keep: one of Streamlit's, with its arguments."""
    return lambda ask: OfCard(keep, ask)


@of_card(st.cache_data(show_spinner=False))
def scores(card_id: str) -> Scores:
    return cards.scores(card(card_id))


@of_card(
    st.cache_resource(show_spinner="Loading the model, once for all sessions ...", max_entries=MODELS_KEPT)
)
def model(card_id: str) -> Model:
    return loaded(card_id)


@of_card(st.cache_resource(show_spinner=False, max_entries=1))
def loaded(card_id: str) -> Model:
    """The model, for a thread that belongs to no session and can show none that it works."""
    from core import inference
    from core.batch import allocator

    found = inference.load(card_id)
    allocator.give_back()  # loading a network takes three times what it weighs
    if found.card.sha256 != card(card_id).sha256:
        every_card.clear()
        raise CardError(f"{card_id} was trained anew in the meantime. Load the page again.")
    return found


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


@of_card(st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT))
def gate(card_id: str, digest: str, _scan: Scan) -> tuple[str, str]:
    """Why this card may not judge this scan and the test that failed; two empty texts when it may.

    card_id: of the card that is asked.
    digest: the scan's, which is the cache's key.
    _scan: the scan itself.
    The test is "card" when not the scan is at fault, but the weights are.
    """
    if ahead := readings.of(card(card_id), digest):
        return ahead.refusal, ahead.test
    from core import gate

    try:
        model(card_id)
        gate.check(_scan, card(card_id), lungs(digest, _scan=_scan))
    except RefusedScan as reason:
        return str(reason), reason.test
    except CardError as fault:
        return str(fault), "card"
    return "", ""


@st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT)
def modality_of(card_ids: tuple[str, ...], digest: str, _scan: Scan) -> str | None:
    """What kind of scan it is, by the gates of one card of each kind; None where that is not plain.

    card_ids: of those cards.
    digest: the scan's.
    _scan: the scan itself.
    """
    from core import gate

    try:
        return gate.modality_of(_scan, [card(card_id) for card_id in card_ids])
    except CardError:  # said where that card is asked
        return None


def refusal(card_id: str, digest: str, _scan: Scan) -> str | None:
    """Why there is no verdict, or None: also None once a person overrode the gate for this scan and card.

    card_id: of the card that is asked.
    digest: the scan's, which is the cache's key.
    _scan: the scan itself.
    """
    reason, test = gate(card_id, digest, _scan=_scan)
    overridden = (card_id, digest) in st.session_state.get("overridden", ())
    return None if not reason or (overridden and test != "card") else reason


@of_card(st.cache_data(show_spinner=False, scope="session"))
def record(card_id: str, digest: str, threshold: float, overridden: bool, score: float, _scan: Scan) -> None:
    """One line in the audit log per session, scan, card and threshold.

    card_id: of the card that judged.
    digest: the scan's.
    threshold: the one in use.
    overridden: whether a person read the scan despite the gate.
    score: the scan's, on the card's scale.
    _scan: the scan itself.
    """
    verdict = verdict_of(score, threshold)
    audit.record(card(card_id), _scan, threshold=threshold, verdict=verdict, overridden=overridden)


@of_card(st.cache_data(show_spinner="Reading the scan ...", scope="session", max_entries=RESULTS_KEPT))
def prediction(card_id: str, digest: str, _scan: Scan) -> Prediction:
    ahead = readings.of(card(card_id), digest)
    if ahead and ahead.probabilities:
        return ahead.prediction(card(card_id))
    from core import inference

    return inference.classify(model(card_id), _scan, lungs(digest, _scan=_scan))


@of_card(st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT))
def blurred_score(card_id: str, digest: str, _scan: Scan) -> float:
    """The score of the scan with every place blurred."""
    from core import inference

    return inference.classify_blurred(model(card_id), _scan, lungs(digest, _scan=_scan)).score


@of_card(
    st.cache_data(show_spinner="Comparing with normal scans ...", scope="session", max_entries=MAPS_KEPT)
)
def anomaly(card_id: str, digest: str, _scan: Scan) -> AnomalyResult:
    from core import inference

    return inference.detect(model(card_id), _scan, lungs(digest, _scan=_scan))


@st.cache_data(show_spinner=False, scope="session", max_entries=RESULTS_KEPT)
def error_fit(card_id: str, digest: str, _scan: Scan) -> ErrorFit | None:
    """What the reconstruction missed in each cell, for cards that judge error given detail."""
    from core import inference

    return inference.error_fit(model(card_id), _scan, lungs(digest, _scan=_scan))


def labels_and_scores(card_id: str, split: str) -> tuple[list[int], list[float]]:
    """(labels as 0 and 1, scores) of one split of the card's scores.csv."""
    table, normal = scores(card_id), card(card_id).labels[0]
    rows = [i for i, name in enumerate(table.split) if name == split]
    return [int(table.label[i] != normal) for i in rows], [float(table.score[i]) for i in rows]


def score_of(chosen: Card, scan: Scan) -> float:
    """The scan's score, from whichever kind of card."""
    judge = prediction if chosen.kind == "classifier" else anomaly
    return judge(chosen.id, scan.digest, _scan=scan).score


@of_card(st.cache_data(show_spinner=False))
def test_openings(card_id: str) -> int:
    """How often the card's test split was scored, by its log."""
    from core.evaluation import openings

    return openings.count(card_id)


@of_card(st.cache_data(show_spinner=False))
def percentile(card_id: str, score: float) -> float:
    """Share of normal test scans that score lower."""
    from core.evaluation.cases import percentile_among

    labels, values = labels_and_scores(card_id, "test")
    return percentile_among([v for label, v in zip(labels, values, strict=True) if not label], score)


@of_card(st.cache_data(show_spinner=False))
def p_value(card_id: str, score: float) -> float:
    """Conformal p-value of the score among normal validation scans."""
    from core.detectors.conformal import p_value

    labels, values = labels_and_scores(card_id, "validation")
    return p_value([v for label, v in zip(labels, values, strict=True) if not label], score)


@of_card(st.cache_data(show_spinner=False, scope="session", max_entries=MAPS_KEPT))
def network_input(card_id: str, digest: str, _scan: Scan) -> FloatArray:
    """The scan as the network is fed it, in scan geometry.

    card_id: of the card that is asked.
    digest: the scan's, which is the cache's key.
    _scan: the scan itself.
    """
    from core import inference

    return inference.as_seen(model(card_id), _scan, lungs(digest, _scan=_scan))


def forget() -> None:
    """Drop everything that this session derived from scans."""
    kept = (lungs, gate, modality_of, record, prediction, blurred_score, anomaly, error_fit, network_input)
    for function in kept:
        function.clear()


@dataclass(frozen=True, slots=True)
class ScreeningResult:
    """The result of one of many files. score is None unless status is "ok"; error says why."""

    status: str
    score: float | None
    error: str
    probabilities: Mapping[str, float]


def screen(card_id: str, data: bytes, name: str, view: View = AS_SENT) -> ScreeningResult:
    """Read a file and score it; only the result is kept.

    card_id: of the card that judges.
    data: the file's bytes.
    name: the file's name, for messages.
    view: which frame, and how it is shown.
    """
    from core.batch import screening

    row = screening.judge_named(model(card_id), data, name, view=view)
    return ScreeningResult(row.status, row.score, row.error, row.probabilities)
