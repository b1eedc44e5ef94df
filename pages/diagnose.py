"""What is it, and why?"""

import streamlit as st

from pages.shared import cache, charts, cuts, inputs
from pages.shared.scan_viewer import Layer, scan_viewer

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
        st.warning(inputs.plain(refusal))
    with picture:
        scan_viewer(scan.pixels, key="diagnose", alt="The scan, not read", height=680)
    st.stop()

prediction = cache.prediction(card.id, scan.digest, _scan=scan)
with answer:
    _, scores = cache.labelled(card.id, "test")
    charts.show_verdict(
        card,
        score=prediction.score,
        cut=cuts.chosen(card),
        percentile=cache.percentile(card.id, prediction.score),
        span=charts.span_of(scores),
    )
    st.subheader("Evidence")
    method = st.selectbox("Method", cache.explainers(), key="method", persist_state="session")
    label = st.selectbox("Evidence for", card.labels[::-1], key=f"label-{card.id}", persist_state="session")
    st.caption("A heat map shows what moved the model, not where disease is.")
    st.subheader("Probabilities")
    for name, probability in prediction.probabilities.items():
        st.html(f'<p class="opacity-line">{name} {probability:.2f}</p>')

explanation = cache.explanation(card.id, scan.digest, method, label, _scan=scan)
lungs = cache.lungs(scan.digest, _scan=scan)
with picture:
    scan_viewer(
        scan.pixels,
        key="diagnose",
        alt=f"The scan with the heat map of {method} for {label}",
        layers=[
            Layer(
                f"{method} for {label}",
                explanation.heatmap,
                scale=explanation.scale,
                unit="logit",
                caption="Full colour: as hot as the hottest place of 95 % of validation scans.",
            )
        ],
        outline=lungs.mask,
        height=680,
    )
