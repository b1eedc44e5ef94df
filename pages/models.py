"""Which model, and may I trust it?"""

import streamlit as st

from pages.shared import sidebar, wording
from pages.shared.caches import heatmaps, models
from pages.shared.views import card_details, classifier, leaderboard, sample_card
from pages.shared.views.clinic import checklists, promises, truth
from pages.shared.views.own import listing

sidebar.show_frame("Which model, and may I trust it?")
for fault in models.broken_cards().values():
    st.error(wording.escape_markdown(fault))
cards = leaderboard.pick_task()
card = leaderboard.show(cards)

st.subheader("Which model for which purpose")
leaderboard.show_choices(cards)
st.subheader("Curves")
leaderboard.show_curves(cards, card)

st.subheader("What the tasks' first choices do, source by source")
truth.show_defaults()

st.header(card.title)
card_details.show_figures(card)
st.subheader("Source by source")
truth.show_card(card.id)
st.subheader("What its thresholds promise, and keep")
promises.show(card)
classifier.show(card, cards)
card_details.show_detectors(card, cards)
card_details.show_trust(card, heatmaps.best_explainer(card.id))
card_details.show_text(card)
checklists.show(card)
listing.show()
sample_card.show()
