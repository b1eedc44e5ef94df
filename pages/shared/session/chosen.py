"""The model in use: one for all pages, whichever page it was chosen on."""

from collections.abc import Sequence

import streamlit as st

from core.card_types import Card


def current(offered: Sequence[Card]) -> Card:
    """Of the cards that a page offers the one chosen last; the first of them before any was."""
    by_id = {card.id: card for card in offered}
    return next((by_id[card_id] for card_id in reversed(_chosen()) if card_id in by_id), offered[0])


def choose(card_id: str) -> None:
    """Use that card from now on, on every page that can."""
    st.session_state["chosen"] = [*(one for one in _chosen() if one != card_id), card_id]


def anything() -> bool:
    """Whether this session has chosen a model yet."""
    return bool(_chosen())


def _chosen() -> list[str]:
    """Ids in the order they were chosen, the last one last."""
    ids: list[str] = st.session_state.get("chosen", [])
    return ids
