"""A scan goes to a model that reads its kind and its patient's age: looked at once, when it arrives."""

from collections.abc import Sequence

import streamlit as st

from core.card_types import Card
from core.types import Kind, Scan
from pages.shared import sentences, wording
from pages.shared.caches import models
from pages.shared.language import tr
from pages.shared.session import age, chosen


def route(kind: Kind | None, offered: Sequence[Card]) -> None:
    """Before a model is picked: choose one that reads what the scan is and that knows patients of its age.

    kind: of the models that the page asks.
    offered: those models, the first choice of each task before others.
    What a person chooses for the same scan later stands.
    """
    digest: str = st.session_state.get("scan", "")
    scan: Scan | None = st.session_state.get("scans", {}).get(digest)
    if scan is None:
        return
    if _first_time(kind, digest, "modality"):
        _route_by_modality(scan, [card for card in offered if not card.yardstick])
    if _first_time(kind, digest, str(age.span(scan))):
        _route_by_age(scan, offered)


def _first_time(kind: Kind | None, digest: str, question: str) -> bool:
    routed: set[tuple[Kind | None, str, str]] = st.session_state.setdefault("routed", set())
    new = (kind, digest, question) not in routed
    routed.add((kind, digest, question))
    return new


def _route_by_modality(scan: Scan, offered: Sequence[Card]) -> None:
    first = {card.modality: card.id for card in reversed(offered)}
    asked = chosen.current(offered)
    if len(first) > 1 and models.gate(asked.id, scan.digest, _scan=scan)[0]:
        found = models.modality_of(tuple(first.values()), scan.digest, _scan=scan)
        if found is not None and found != asked.modality:
            card = chosen.current([card for card in offered if card.modality == found])
            _take(scan, card, tr(sentences.ROUTED).format(tr(found), wording.escape_markdown(card.title)))


def _route_by_age(scan: Scan, offered: Sequence[Card]) -> None:
    known, asked = age.span(scan), chosen.current(offered)
    others = [card for card in offered if card.task == asked.task and not card.yardstick]
    fitting = [card for card in others if age.fits(card, known)]
    if fitting and not age.fits(asked, known):
        words = tr(sentences.ROUTED_BY_AGE).format(wording.escape_markdown(asked.title), fitting[0].title)
        _take(scan, fitting[0], words)


def _take(scan: Scan, card: Card, reason: str) -> None:
    chosen.choose(card.id)
    st.session_state["rerouted"] = (scan.digest, card.id, reason)


def reason(card: Card) -> str:
    """Why this card was taken for the scan on screen; empty where a person chose it."""
    digest, card_id, words = st.session_state.get("rerouted", ("", "", ""))
    return words if (digest, card_id) == (st.session_state.get("scan"), card.id) else ""
