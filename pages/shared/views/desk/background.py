"""Verdicts that arrive one by one while a person reads on."""

from collections.abc import Callable, Sequence

import streamlit as st

from core.errors import OpacityError
from pages.shared.caches import verdicts
from pages.shared.caches.verdicts import Asked
from pages.shared.session import memory

TICK = 0.3  # seconds between two of them: clicks get their turn


def find(asked: Sequence[Asked], draw: Callable[[], None], *, key: str, keep_model: bool) -> None:
    """Draw, then ask for one score after the other and draw anew after each. The page need not wait.

    It stands in a place of the page that does not move from run to run: Streamlit knows such a part by its
    place, and drops a click on one that has moved. A callback of what was drawn ends with st.rerun(), as a
    click there runs that part of the page alone.

    asked: cards and scans.
    draw: shows what is known so far.
    key: of this place on the page.
    keep_model: as for `verdicts.find`.
    """
    waiting = bool(verdicts.unknown(asked))
    st.session_state[f"drawn-{key}"] = False

    def tick() -> None:
        first, st.session_state[f"drawn-{key}"] = not st.session_state[f"drawn-{key}"], True
        left = verdicts.unknown(asked)
        if left and not first:
            _find_one(left[0], keep_model=keep_model)
        draw()
        if waiting and not left:
            st.rerun()  # a page whose fragments have nothing left to do is left in peace

    st.fragment(tick, run_every=TICK if waiting else None)()


def _find_one(asked: Asked, *, keep_model: bool) -> None:
    card, scan = asked
    try:
        verdicts.find(card, memory.woken(scan), keep_model=keep_model)
    except OpacityError:  # its file cannot be read a second time: said when it is opened
        verdicts.known()[card.version, scan.digest] = None
