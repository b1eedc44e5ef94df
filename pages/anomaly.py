"""How unlike normal is it, and where?"""

import streamlit as st

from pages.shared import cache, charts, cuts, inputs
from pages.shared.scan_viewer import Layer, scan_viewer

inputs.show_frame()
scan = inputs.upload_scan()
card = inputs.pick_card("detector")
if scan is None:
    st.info(inputs.EMPTY)
    st.stop()

picture, answer = st.columns([2, 1], gap="medium")
refusal = cache.refusal(card.id, scan.digest, _scan=scan)
if refusal:
    with answer:
        st.warning(inputs.plain(refusal))
    with picture:
        scan_viewer(scan.pixels, key="anomaly", alt="The scan, not read", height=680)
    st.stop()

result = cache.anomaly(card.id, scan.digest, _scan=scan)
labels, scores = cache.labelled(card.id, "test")
cut = cuts.chosen(card)
with answer:
    charts.show_verdict(
        card,
        score=result.score,
        cut=cut,
        percentile=cache.percentile(card.id, result.score),
        span=charts.span_of(scores),
    )
    st.plotly_chart(
        charts.histogram(
            labels,
            scores,
            names=("normal", "abnormal"),
            threshold=cut.threshold,
            scan=result.score,
            height=260,
        ),
        config=charts.PLAIN,
        alt="Scores of the test films by class, with the threshold and this scan",
    )
    st.caption(
        f"{card.title}, {charts.auc_line(card.report['test'])}. "
        f"Threshold by {card.policy.name} of normal validation films unless moved."
    )

with picture:
    layers = [
        Layer(
            "Deviation",
            result.map,
            scale=card.scales["map"],
            unit="standard deviations",
            zero="as usual or less",
            caption="Error beyond what is usual at that place in normal films.",
        )
    ]
    if result.reconstruction is not None:
        seen = cache.as_seen(card.id, scan.digest, _scan=scan)
        layers += [
            Layer("Reconstruction", result.reconstruction, kind="grey", caption="What the model made of it."),
            Layer(
                "Signed error",
                seen - result.reconstruction,
                kind="signed",
                scale=0.5,
                unit="of the grey range",
                caption="Orange: darker than rebuilt. Purple: brighter.",
            ),
        ]
    scan_viewer(
        scan.pixels,
        key="anomaly",
        alt="The scan with the map of its deviation from normal",
        layers=layers,
        outline=cache.lungs(scan.digest, _scan=scan).mask,
        height=680,
    )
