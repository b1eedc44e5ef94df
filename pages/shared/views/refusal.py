"""A scan that the card may not read: shown with the reason, without a verdict."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.card_types import Card
from core.reading import cutting
from core.types import Scan, View
from pages.shared.caches import models
from pages.shared.components.scan_viewer import scan_viewer
from pages.shared.language import tr
from pages.shared.session import cropping, reading


def columns_unless_refused(card: Card, scan: Scan, *, key: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Columns for the picture and for the answer. A refused scan ends the page: it is shown with the reason.

    card: the one that is asked.
    scan: the one on screen.
    key: of the viewer.
    """
    picture, answer = st.columns([2, 1], gap="medium")
    picture = picture.container(key="film")
    refusal = models.refusal(card.id, scan.digest, _scan=scan)
    if refusal:
        with answer:
            reading.show_refusal(card, scan, refusal)
            chosen = cropping.choose(scan)
        with picture:
            scan_viewer(
                cutting.pixels(scan.pixels, View(angle=chosen.angle)),
                key=key,
                alt=tr("The scan, not read"),
                outline=cropping.rectangle(scan, chosen),
                height=680,
            )
        st.stop()
    return picture, answer
