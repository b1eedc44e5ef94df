"""Which model, for whom, and may I trust it?"""

import streamlit as st

from pages.shared import sidebar, wording
from pages.shared.caches import heatmaps, models
from pages.shared.language import tr
from pages.shared.views import card_details
from pages.shared.views.clinic import checklists, promises, truth
from pages.shared.views.models import audience, classifier, comparing, leaderboard, outlining
from pages.shared.views.own import listing

sidebar.show_frame(tr("Which model, and may I trust it?"))
for fault in models.broken_cards().values():
    st.error(wording.escape_markdown(fault))
asked, cards = audience.pick()
audience.show_recommended(cards)
card = leaderboard.show(cards, asked)
audience.name_in_address(card)
with st.expander(tr("All test figures, curves, and the best for other purposes")):
    leaderboard.show_figures(cards)
    leaderboard.show_curves(cards, card)
    leaderboard.show_choices(cards)
comparing.show(card, cards)
outlining.show(card.modality)

st.header(card.title)
if card.id != cards[0].id:
    audience.offer_use(card, key="use-selected")
card_details.show_use(card)
figures, elsewhere, maps, refuses, training, checklist = st.tabs(
    [tr("Figures"), tr("Elsewhere"), tr("Heat maps"), tr("Refuses"), tr("Training"), tr("Checklist")]
)
with figures:
    card_details.show_figures(card)
    classifier.show(card)
    card_details.show_detectors(card, cards)
    with st.expander(tr("What its thresholds promise, and keep")):
        promises.show(card)
with elsewhere:
    truth.show_card(card.id)
    classifier.show_elsewhere(cards)
with maps:
    card_details.show_localisation(card)
    card_details.show_trust(card, heatmaps.best_explainer(card.id))
with refuses:
    card_details.show_refusals(card)
with training:
    card_details.show_making(card)
with checklist:
    checklists.show(card)

with st.expander(tr("What the tasks' first choices do, source by source")):
    truth.show_defaults()
listing.show()
