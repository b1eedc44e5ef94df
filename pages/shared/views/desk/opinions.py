"""What the task's other models say of the scan: how many agree, and a dot for each."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.card_types import Card
from core.types import Scan, is_abnormal
from pages.shared import sentences, wording
from pages.shared.caches import models, verdicts
from pages.shared.language import tr
from pages.shared.session import thresholds
from pages.shared.views.desk import background
from pages.shared.views.second_opinion import Opinion


def show(first: Opinion, scan: Scan) -> None:
    """Nothing unless there are other models; a button until somebody wants to know, for the whole session.

    first: the answer that the others are compared with.
    scan: the one on screen.
    """
    others = [
        card
        for card in models.offered(first.card.kind)
        if card.task == first.card.task and card.id != first.card.id and not card.yardstick
    ]
    if not others:
        return
    if not st.session_state.get("all-opinions"):
        words = tr(sentences.ASK_ALL).format(len(others)) if len(others) > 1 else tr(sentences.ASK_OTHER)
        st.button(words, on_click=_ask_all)
        return
    asked = [(card, scan) for card in others]
    background.find(asked, partial(_show, first, scan, others), key="opinions", keep_model=False)


def _ask_all() -> None:
    st.session_state["all-opinions"] = True


def _show(first: Opinion, scan: Scan, others: Sequence[Card]) -> None:
    found = {card.id: _side(card, scan) for card in others}
    st.write(wording.agreement(first.suspicious, list(found.values())))
    with st.container(horizontal=True, key="opinions"):
        for card in others:
            words = f"{wording.title(card)}: {tr(wording.SIDES[found[card.id]])}"
            st.button(words, key=f"dot-{found[card.id]}-{card.id}", help=words, on_click=_open, args=(card,))


def _side(card: Card, scan: Scan) -> wording.Side:
    if verdicts.unknown([(card, scan)]):
        return "waiting"
    score = verdicts.known()[card.version, scan.digest]
    if score is None:
        return "refused"
    return "suspicious" if is_abnormal(score, thresholds.current_beside(card).value) else "below"


def _open(card: Card) -> None:
    """As if it had been chosen in the box of the second opinion."""
    st.session_state[f"opinion-{card.modality}"] = card.id
    st.rerun()
