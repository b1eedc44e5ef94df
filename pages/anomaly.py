"""How unlike normal is it, and where?"""

import streamlit as st

from core.names import CHEST_FILM
from pages.shared import map_wording, sentences, sidebar, wording
from pages.shared.caches import models
from pages.shared.components.scan_viewer import scan_viewer
from pages.shared.language import tr
from pages.shared.session import reading, slices, thresholds
from pages.shared.views import anomaly, operating_points, refusal
from pages.shared.views.clinic import caution, report
from pages.shared.views.desk import filmstrip, prior

sidebar.show_frame(tr("How unlike normal is it, and where?"))
with st.container():  # of so many lines as there is to say: what follows stays in its place
    scan = sidebar.upload_scan(needed=True)
    card = sidebar.pick_card("detector")
    second = anomaly.pick_second(card)
    st.caption(tr(sentences.DETECTOR_PAGE).format(wording.escape_markdown(card.title)))
    if scan is None:
        sidebar.show_invitation(card.modality)
        st.stop()
with st.container():
    filmstrip.show(card)
    slices.judge_stack(card, scan)
picture, answer = refusal.columns_unless_refused(card, scan, key="anomaly")
result = models.anomaly(card.id, scan.digest, _scan=scan)
threshold = thresholds.current(card)
reading.record(card, scan, score=result.score, threshold=threshold.value)
layers = anomaly.layers(card, scan, result, named=second is not None)
with answer:
    anomaly.show_answer(card, result, threshold)
    caution.show(card, scan)
    operating_points.show_in_use(card, threshold)
    anomaly.show_error_fit(card, scan)
    report.offer(card, scan, layers, score=result.score, threshold=threshold)
    if second is not None:
        st.subheader(second.title)
        reason = models.refusal(second.id, scan.digest, _scan=scan)
        if reason:
            _, test = models.gate(second.id, scan.digest, _scan=scan)
            st.warning(wording.refused(reason, test))
        else:
            other = models.anomaly(second.id, scan.digest, _scan=scan)
            anomaly.show_answer(second, other, thresholds.DecisionThreshold(second.threshold))
            layers += anomaly.layers(second, scan, other, named=True)

with picture:
    film = card.modality == CHEST_FILM
    priors = prior.pick(scan)
    scan_viewer(
        scan.pixels,
        key="anomaly-prior" if priors else "anomaly-two" if second is not None else "anomaly",
        alt=tr(
            "The scan with its reconstruction, where there is one, and the map of its deviation from normal"
        )
        + map_wording.beside(other.name for other in priors),
        layers=[*layers, *priors],
        outline=models.lungs(scan.digest, _scan=scan).mask if film else None,
        view="side",
        corner=wording.corner(scan),
        spacing=scan.spacing,
        height=680,
    )
