"""What does it resemble?"""

import streamlit as st

from core.card_types import Card
from core.errors import CardError
from core.types import Scan
from pages.shared import sidebar
from pages.shared.caches import models, neighbours
from pages.shared.session import reading, thresholds
from pages.shared.views import neighbour_map
from pages.shared.views import neighbours as neighbour_view


@st.fragment
def show_map(card: Card, threshold: float, digest: str, folder: str) -> None:
    """The map and what is marked on it: marking runs this part of the page alone."""
    index = neighbours.index(card.id)
    held = st.session_state.scans.get(digest)
    scan = neighbours.placed(card.id, digest, _scan=held) if held is not None else None
    if rows := neighbour_map.show(card, index, threshold, scan):
        neighbour_view.show_marked(card, index, rows, folder)


def answer(card: Card, cut: thresholds.Cut, scan: Scan | None, folder: str) -> str:
    """Beside the map: the verdicts and the nearest cases. Returns the digest of the scan to draw, if any."""
    if scan is None:
        st.info(sidebar.INVITATION.format(card.modality))
        return ""
    if refusal := models.refusal(card.id, scan.digest, _scan=scan):
        reading.show_refusal(card, scan, refusal)
        return ""
    prediction = models.prediction(card.id, scan.digest, _scan=scan)
    reading.record(card, scan, score=prediction.score, threshold=cut.threshold)
    vote, _ = neighbours.placed(card.id, scan.digest, _scan=scan)
    neighbour_view.show_verdicts(card, prediction, cut, vote)
    neighbour_view.show_nearest(card, neighbours.index(card.id), vote, folder)
    return scan.digest


def show(chosen: Card, card: Card, scan: Scan | None, folder: str) -> None:
    """card: the one whose cases stand for the chosen one. Raises CardError."""
    own = thresholds.chosen(chosen)
    cut = own if card.id == chosen.id else thresholds.held(card)
    neighbours.index(card.id)
    chart, beside = st.columns([3, 2], gap="medium")
    with beside:
        digest = answer(card, cut, scan, folder)
    with chart:
        show_map(card, cut.threshold, digest, folder)


sidebar.show_frame()
scan = sidebar.upload_scan()
chosen = sidebar.pick_card("classifier")
folder = neighbour_view.data_folder()
card = neighbour_view.stand_in(chosen)
# No st.stop() here: after one, Streamlit lets go of a task chosen in the sidebar.
if card is not None:
    try:
        show(chosen, card, scan, folder)
    except CardError as fault:
        st.error(sidebar.plain(str(fault)))
