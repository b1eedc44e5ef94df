"""The threshold a person chose for a card: kept for the session, shown on every page, carried by the URL."""

import math
from dataclasses import dataclass

import streamlit as st

from core.card_types import Card


@dataclass(frozen=True, slots=True)
class Cut:
    """A scan is abnormal from `threshold`, or too close to call from there up to `upper`."""

    threshold: float
    upper: float | None = None


def chosen(card: Card) -> Cut:
    """The cut in use: this session's, else the URL's, else the card's own."""
    kept: dict[str, Cut] = st.session_state.setdefault("cuts", {})
    cut = kept.get(card.id) or _from_url(card) or Cut(card.threshold)
    _to_url(card, cut)
    return cut


def held(card: Card) -> Cut:
    """The cut in use for a card that stands beside the page's own, which alone the address names."""
    kept: dict[str, Cut] = st.session_state.get("cuts", {})
    return kept.get(card.id, Cut(card.threshold))


def choose(card: Card, cut: Cut) -> None:
    """Use this cut for the card on every page."""
    st.session_state.setdefault("cuts", {})[card.id] = cut
    _to_url(card, cut)


def _from_url(card: Card) -> Cut | None:
    """The cut that a shared link names; anything that is no number is passed over."""
    asked = st.query_params
    if asked.get("card") != card.id or "threshold" not in asked:
        return None
    try:
        values = [float(asked[name]) for name in ("threshold", "upper") if name in asked]
    except ValueError:
        return None
    return Cut(*values) if all(map(math.isfinite, values)) and values == sorted(values) else None


def _to_url(card: Card, cut: Cut) -> None:
    """A page's address names the cut only when it is not the card's own."""
    if cut == Cut(card.threshold):
        for name in ("card", "threshold", "upper"):
            st.query_params.pop(name, None)
        return
    st.query_params.update({"card": card.id, "threshold": repr(cut.threshold)})
    if cut.upper is None:
        st.query_params.pop("upper", None)
    else:
        st.query_params["upper"] = repr(cut.upper)
