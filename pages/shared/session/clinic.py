"""Where the models will be used: one prevalence and one price of a missed case, for all pages and cards."""

from dataclasses import dataclass, replace

import streamlit as st

from core.card_types import Card
from pages.shared.components.threshold_panel import PanelState
from pages.shared.session import thresholds
from pages.shared.session.thresholds import DecisionThreshold

LOWEST, HIGHEST = 0.001, 0.9  # prevalences that the dials reach


@dataclass(frozen=True, slots=True)
class Clinic:
    """prevalence: share of abnormal scans there. missed_cost: of one missed case, in false alarms."""

    prevalence: float = 0.1
    missed_cost: float = 5.0


def current() -> Clinic:
    """This session's, else with the address's prevalence. The address names it unless it is the default."""
    clinic: Clinic = st.session_state.get("clinic") or _from_url()
    choose(clinic)
    return clinic


def choose(clinic: Clinic) -> None:
    """Use it on every page."""
    st.session_state["clinic"] = clinic
    if clinic.prevalence == Clinic().prevalence:
        st.query_params.pop("prevalence", None)
    else:
        st.query_params["prevalence"] = repr(clinic.prevalence)


def follow(card: Card, state: PanelState) -> None:
    """Use what a hand chose on the panel, on every page."""
    thresholds.choose(card, DecisionThreshold(state.threshold, state.upper))
    choose(Clinic(state.prevalence, state.missed_cost))


def _from_url() -> Clinic:
    """What a shared link names; anything that is no prevalence is passed over."""
    try:
        prevalence = float(st.query_params.get("prevalence", ""))
    except ValueError:
        return Clinic()
    return replace(Clinic(), prevalence=prevalence) if LOWEST <= prevalence <= HIGHEST else Clinic()
