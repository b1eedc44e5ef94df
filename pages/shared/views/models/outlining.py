"""Models that outline: for whom, how well, and where that was measured."""

import streamlit as st

from pages.shared import wording
from pages.shared.caches import models, outlines
from pages.shared.language import tr
from pages.shared.session import chosen
from pages.shared.views.clinic.outline import ALWAYS


def show(modality: str) -> None:
    """Nothing where none reads such scans. modality: of those that the page is about."""
    fitting = [card for card in outlines.offered() if card.modality == modality]
    if not fitting:
        return
    st.subheader(tr("Outlines"))
    for card in fitting:
        words, use = st.columns([3, 1], vertical_alignment="center")
        words.markdown(f"**{wording.escape_markdown(card.title)}**")
        words.write(tr(card.intended_use))
        words.write(wording.outlined_how_well(card))
        words.caption(tr("Measured on: {data}.").format(data=card.data["name"]))
        if use.button(tr("Use this outline"), key=f"use-{card.id}"):
            _use(modality)


def _use(modality: str) -> None:
    """Go where it is drawn, beside a classifier that reads the same scans."""
    st.session_state[ALWAYS] = True
    reading = [card for card in models.offered("classifier") if card.modality == modality]
    chosen.choose(chosen.current(reading).id)
    st.switch_page("pages/diagnose.py")
