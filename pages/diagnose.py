"""What is it, and why?"""

import streamlit as st

from pages.shared import cache, charts, cuts, evidence, inputs, reading
from pages.shared.scan_viewer import scan_viewer

inputs.show_frame()
scan = inputs.upload_scan()
card = inputs.pick_card("classifier")
if scan is None:
    st.info(inputs.EMPTY)
    st.stop()

picture, answer = st.columns([2, 1], gap="medium")
refusal = cache.refusal(card.id, scan.digest, _scan=scan)
if refusal:
    with answer:
        reading.show_refusal(card, scan, refusal)
    with picture:
        scan_viewer(scan.pixels, key="diagnose", alt="The scan, not read", height=680)
    st.stop()

prediction = cache.prediction(card.id, scan.digest, _scan=scan)
cut = cuts.chosen(card)
reading.record(card, scan, score=prediction.score, threshold=cut.threshold)
with answer:
    _, scores = cache.labelled(card.id, "test")
    charts.show_verdict(
        card,
        score=prediction.score,
        cut=cut,
        percentile=cache.percentile(card.id, prediction.score),
        span=charts.span_of(scores),
    )
    st.subheader("Evidence")
    choice = evidence.choose(card)
    found = evidence.gather(choice, scan)
    lungs = cache.lungs(scan.digest, _scan=scan)
    evidence.show_readout(card, found, lungs, scan)
    st.subheader("Probabilities")
    for name, probability in prediction.probabilities.items():
        st.html(f'<p class="opacity-line">{name} {probability:.2f}</p>')

with picture:
    scan_viewer(
        scan.pixels,
        key="compare" if choice.several else "diagnose",
        alt="The scan with " + " and ".join(f"the heat map of {name}" for name in found.shown),
        layers=evidence.layers(found),
        outline=lungs.mask,
        view="side" if choice.several else "overlay",
        height=680,
    )
