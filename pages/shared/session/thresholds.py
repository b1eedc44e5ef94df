"""The threshold a person chose for a card: kept for the session, shown on every page, carried by the URL."""

import math
from dataclasses import dataclass

import streamlit as st

from core.card_types import Card


@dataclass(frozen=True, slots=True)
class DecisionThreshold:
    """A scan is abnormal from `value` on, or too close to call from there up to `upper`."""

    value: float
    upper: float | None = None


def current(card: Card) -> DecisionThreshold:
    """The threshold in use: this session's, else the URL's, else the card's own. The URL then names it."""
    kept: dict[str, DecisionThreshold] = st.session_state.setdefault("thresholds", {})
    threshold = kept.get(card.version) or _from_url(card) or DecisionThreshold(card.threshold)
    _to_url(card, threshold)
    return threshold


def current_beside(card: Card) -> DecisionThreshold:
    """The threshold in use for a second card on the page: the URL names the first card's only."""
    kept: dict[str, DecisionThreshold] = st.session_state.get("thresholds", {})
    return kept.get(card.version, DecisionThreshold(card.threshold))


def choose(card: Card, threshold: DecisionThreshold) -> None:
    """Use this threshold for the card on every page."""
    st.session_state.setdefault("thresholds", {})[card.version] = threshold
    _to_url(card, threshold)


def _from_url(card: Card) -> DecisionThreshold | None:
    """The threshold that a shared link names; anything that is no number is ignored."""
    parameters = st.query_params
    if parameters.get("card") != card.id or "threshold" not in parameters:
        return None
    try:
        values = [float(parameters[name]) for name in ("threshold", "upper") if name in parameters]
    except ValueError:
        return None
    return (
        DecisionThreshold(*values) if all(map(math.isfinite, values)) and values == sorted(values) else None
    )


def _to_url(card: Card, threshold: DecisionThreshold) -> None:
    """A page's address names the card, and the threshold only when it is not the card's own."""
    st.query_params["card"] = card.id
    if threshold == DecisionThreshold(card.threshold):
        for name in ("threshold", "upper"):
            st.query_params.pop(name, None)
        return
    st.query_params["threshold"] = repr(threshold.value)
    if threshold.upper is None:
        st.query_params.pop("upper", None)
    else:
        st.query_params["upper"] = repr(threshold.upper)
