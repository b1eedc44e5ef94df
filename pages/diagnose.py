"""What is it, and why?"""

import streamlit as st

from core.names import CHEST_FILM
from pages.shared import map_wording, sidebar, wording
from pages.shared.caches import models
from pages.shared.components.scan_viewer import scan_viewer
from pages.shared.language import tr
from pages.shared.session import reading, slices, thresholds
from pages.shared.views import charts, evidence, operating_points, readout, refusal, second_opinion
from pages.shared.views.clinic import caution, likelihood, outline, report
from pages.shared.views.desk import filmstrip, opinions, prior
from pages.shared.views.second_opinion import Opinion

sidebar.show_frame(tr("What is it, and why?"))
with st.container():  # of so many lines as there is to say: what follows stays in its place
    scan = sidebar.upload_scan(needed=True, example=True)
    card = sidebar.pick_card("classifier")
    if scan is None:
        sidebar.show_invitation(card.modality)
        st.stop()
with st.container():
    filmstrip.show(card)
    slices.judge_stack(card, scan)
picture, answer = refusal.columns_unless_refused(card, scan, key="diagnose")
prediction = models.prediction(card.id, scan.digest, _scan=scan)
threshold = thresholds.current(card)
reading.record(card, scan, score=prediction.score, threshold=threshold.value)
with answer:
    _, scores = models.labels_and_scores(card.id, "test")
    charts.show_verdict(
        card,
        score=prediction.score,
        threshold=threshold,
        percentile=models.percentile(card.id, prediction.score),
        span=charts.span_of(scores),
        probabilities=prediction.probabilities,
    )
    lungs = models.lungs(scan.digest, _scan=scan) if card.modality == CHEST_FILM else None
    caution.show(card, scan)
    operating_points.show_in_use(card, threshold)
    likelihood.show(card, prediction.score, prediction.probabilities)
    marks = outline.show(card, scan, prediction, threshold)
    st.subheader(tr("Evidence"))
    choice = evidence.pick_heatmaps(card, prediction.probabilities)
    found = evidence.draw(choice, scan)
    readout.show(card, found, lungs, scan)
    first = Opinion(card, prediction, threshold)
    second = second_opinion.pick(first, scan)
    opinions.show(first, scan)
    beside = second_opinion.layers(second, choice, scan)
    layers = outline.among(marks, evidence.layers(card, found, beside), card)
    report.offer(
        card,
        scan,
        layers,
        score=prediction.score,
        threshold=threshold,
        probabilities=prediction.probabilities,
        outlined=marks.outlined,
    )

maps = tr(" and ").join(tr("the heat map of {name}").format(name=name) for name in found.shown)
with picture:
    priors = prior.pick(scan)
    place = "prior" if priors else "compare" if choice.several or beside else "diagnose"
    scan_viewer(
        scan.pixels,
        key=place,
        alt=tr("The scan with {what}").format(what=maps or tr("no map"))
        + map_wording.beside(other.name for other in priors),
        layers=[*layers, *priors],
        outline=None if lungs is None else lungs.mask,
        marks=marks.mask,
        view="overlay" if place == "diagnose" else "side",
        corner=wording.corner(scan),
        spacing=scan.spacing,
        height=680,
    )
