"""The scans of this session side by side, each with its mark; a click or an arrow key shows it."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from core.card_types import Card
from core.types import Scan, is_abnormal
from pages.shared import sentences, wording
from pages.shared.caches import verdicts
from pages.shared.language import tr
from pages.shared.numbering import numbered
from pages.shared.session import reading, thresholds
from pages.shared.sidebar import forget_all
from pages.shared.views.desk import background


def show(card: Card) -> None:
    """Nothing for one scan alone.

    card: the one whose verdicts are marked; it is asked about the scans that it has not seen.
    """
    held: dict[str, Scan] = st.session_state.scans
    if len(held) < 2:
        return
    asked = [(card, scan) for scan in held.values()]
    draw = partial(_show, card, thresholds.current(card).value, held)
    background.find(asked, draw, key="filmstrip", keep_model=True)


def _show(card: Card, threshold: float, held: Mapping[str, Scan]) -> None:
    names = numbered(scan.name for scan in held.values())
    with st.container(horizontal=True, key="filmstrip"):
        for name, scan in zip(names, held.values(), strict=True):
            shown = scan.digest == st.session_state.scan
            picture = reading.thumbnail(scan)
            label = f"**{_mark(card, scan, threshold)}** {wording.escape_markdown(name)}"
            st.button(
                f"![]({picture}) {label}" if picture else label,
                key=f"film-{'shown-' if shown else ''}{scan.digest}",
                type="tertiary",
                on_click=_open,
                args=(scan.digest,),
            )
        st.button(tr(sentences.FORGET_ALL), on_click=_forget_all)


def _mark(card: Card, scan: Scan, threshold: float) -> str:
    return tr(wording.SIDES[_side(card, scan, threshold)])


def _side(card: Card, scan: Scan, threshold: float) -> wording.Side:
    if verdicts.unknown([(card, scan)]):
        return "waiting"
    score = verdicts.known()[card.version, scan.digest]
    if score is None:
        return "refused"
    return "suspicious" if is_abnormal(score, threshold) else "below"


def _open(digest: str) -> None:
    st.session_state.scan = digest
    st.rerun()


def _forget_all() -> None:
    forget_all()
    st.rerun()
