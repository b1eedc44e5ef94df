"""Where should the threshold lie, and what does it cost?"""

from functools import partial

import streamlit as st

from pages.shared import sidebar, wording
from pages.shared.caches import models, scores
from pages.shared.components.threshold_panel import threshold_panel
from pages.shared.language import tr
from pages.shared.session import clinic, thresholds
from pages.shared.views import charts, operating_points
from pages.shared.views.clinic import calibration, likelihood, promises

sidebar.show_frame(tr("Where should the threshold lie, and what does it cost?"))
scan = sidebar.upload_scan()
card = sidebar.pick_card(None)
layers = {tr(split): scores.counts_by_threshold(card.id, split) for split in ("validation", "test")}
marked = None
if scan is not None and models.refusal(card.id, scan.digest, _scan=scan) is None:
    marked = (scan.name, models.score_of(card, scan))

panel = st.container()
with st.expander(tr("What the policies aim at")):
    place = clinic.current()
    policies = operating_points.pick_policies(place)
before = thresholds.current(card)
with panel:
    state = threshold_panel(
        layers,
        threshold=before.value,
        upper=before.upper,
        key=f"panel-{card.id}",
        finding=wording.finding(card),
        policies={
            name: operating_points.threshold_or_reason(card, policy) for name, policy in policies.items()
        },
        broken=promises.broken(card, list(policies.values())),
        card_threshold=card.threshold,
        scan=marked,
        prevalence=place.prevalence,
        missed_cost=place.missed_cost,
        on_change=partial(clinic.follow, card),
    )
if marked is not None:
    st.caption(f"{likelihood.sentence(card, marked[1], place.prevalence)}.")  # its rank stands in the panel

operating_points.show_chips(card)
operating_points.show_table(card, state)
operating_points.show_saving(card, state)

st.subheader(tr("Calibrate to your place"))
calibration.show(card)

with st.expander(tr("What the policies promised, and what they kept")):
    promises.show(card, list(policies.values()))

st.subheader(tr("Precision and recall against threshold"))
st.plotly_chart(
    charts.lines(
        scores.precision_recall_curves(card.id, "test"),
        x=tr("threshold"),
        y=tr("test scans"),
        threshold=state.threshold,
    ),
    config=charts.PLAIN,
    alt=tr("Precision and recall of the test scans at every threshold"),
)
