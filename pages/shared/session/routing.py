"""A scan goes to a model that reads its kind: looked at once, when it arrives under one that does not."""

from collections.abc import Sequence

import streamlit as st

from core.card_types import Card
from core.types import Kind, Scan
from pages.shared.caches import models


def route(kind: Kind | None, offered: Sequence[Card]) -> None:
    """Before a model is picked: choose the task of the first model that reads what the scan is.

    kind: of the models that the page asks.
    offered: those models, the first choice of each task before others.
    What a person chooses for the same scan later stands.
    """
    digest: str = st.session_state.get("scan", "")
    scan: Scan | None = st.session_state.get("scans", {}).get(digest)
    routed: set[tuple[Kind | None, str]] = st.session_state.setdefault("routed", set())
    if scan is None or (kind, digest) in routed:
        return
    routed.add((kind, digest))
    first = {card.modality: card for card in reversed(offered) if not card.yardstick}
    asked = next(card for card in offered if card.task == st.session_state.get(f"task-{kind}", card.task))
    if len(first) > 1 and models.gate(asked.id, digest, _scan=scan)[0]:
        found = models.modality_of(tuple(card.id for card in first.values()), digest, _scan=scan)
        if found is not None and found != asked.modality:
            st.session_state[f"task-{kind}"] = first[found].task
            st.session_state["rerouted"] = (digest, found)


def rerouted(card: Card) -> bool:
    """Whether this card was taken because of what the scan on screen is."""
    return (st.session_state.get("scan"), card.modality) == st.session_state.get("rerouted")
