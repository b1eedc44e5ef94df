"""How unlike normal is it, and where?"""

import streamlit as st

from core.names import CHEST_FILM
from pages.shared import sidebar
from pages.shared.caches import models
from pages.shared.components.scan_viewer import scan_viewer
from pages.shared.session import reading, thresholds
from pages.shared.views import anomaly

sidebar.show_frame()
scan = sidebar.upload_scan()
card = sidebar.pick_card("detector")
second = anomaly.pick_second(card)
if scan is None:
    sidebar.invite(card.modality)
    st.stop()

picture, answer = st.columns([2, 1], gap="medium")
refusal = models.refusal(card.id, scan.digest, _scan=scan)
if refusal:
    with answer:
        reading.show_refusal(card, scan, refusal)
    with picture:
        scan_viewer(scan.pixels, key="anomaly", alt="The scan, not read", height=680)
    st.stop()

result = models.anomaly(card.id, scan.digest, _scan=scan)
cut = thresholds.chosen(card)
reading.record(card, scan, score=result.score, threshold=cut.threshold)
layers = anomaly.layers(card, scan, result, named=second is not None)
with answer:
    anomaly.show_answer(card, result, cut)
    if second is not None:
        st.subheader(second.title)
        refusal = models.refusal(second.id, scan.digest, _scan=scan)
        if refusal:
            st.warning(sidebar.plain(refusal))
        else:
            other = models.anomaly(second.id, scan.digest, _scan=scan)
            anomaly.show_answer(second, other, thresholds.Cut(second.threshold))
            layers += anomaly.layers(second, scan, other, named=True)

with picture:
    film = card.modality == CHEST_FILM
    scan_viewer(
        scan.pixels,
        key="anomaly-two" if second is not None else "anomaly",
        alt="The scan with its reconstruction, where there is one, and the map of its deviation from normal",
        layers=layers,
        outline=models.lungs(scan.digest, _scan=scan).mask if film else None,
        view="side",
        height=680,
    )
