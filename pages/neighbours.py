"""What does it resemble?"""

import streamlit as st

from core.card_types import Card
from core.errors import CardError
from core.types import Scan
from pages.shared import sidebar, wording
from pages.shared.caches import neighbours
from pages.shared.language import tr
from pages.shared.session import thresholds
from pages.shared.views import neighbour_cases, neighbour_map


@st.fragment
def show_map(card: Card, threshold: float, digest: str, folder: str) -> None:
    """The map and what is marked on it: marking runs this part of the page alone.

    card: the one whose cases are drawn.
    threshold: of its network.
    digest: of the scan to draw, empty without one.
    folder: of the public data sets, empty without one.
    """
    index = neighbours.index(card.id)
    held = st.session_state.scans.get(digest)
    scan = neighbours.vote_and_places(card.id, digest, _scan=held) if held is not None else None
    if rows := neighbour_map.show(card, index, threshold, scan):
        neighbour_cases.show_marked(card, index, rows, folder)


def show(chosen: Card, card: Card, scan: Scan | None, folder: str) -> None:
    """The map and, beside it, what the neighbours say.

    chosen: the card picked in the sidebar.
    card: the one whose known cases are shown for it.
    scan: the one on screen, if any.
    folder: of the public data sets, empty without one.
    Raises CardError.
    """
    own = thresholds.current(chosen)
    threshold = own if card.id == chosen.id else thresholds.current_beside(card)
    neighbours.index(card.id)
    chart, beside = st.columns([3, 2], gap="medium")
    with beside:
        digest = neighbour_cases.show_answer(card, threshold, scan, folder)
    with chart:
        show_map(card, threshold.value, digest, folder)
        if scan is not None and digest:
            neighbour_cases.show_beside(card, scan, folder)


sidebar.show_frame(tr("What does it resemble?"))
scan = sidebar.upload_scan()
chosen = sidebar.pick_card("classifier")
folder = neighbour_cases.data_folder()
card = neighbour_cases.pick_card_with_map(chosen)
# No st.stop() here: after one, Streamlit lets go of a task chosen in the sidebar.
if card is not None:
    try:
        show(chosen, card, scan, folder)
    except CardError as fault:
        st.error(wording.escape_markdown(str(fault)))
