"""Which model, and may I trust it?"""

import streamlit as st

from pages.shared import sidebar
from pages.shared.caches import models
from pages.shared.views import card as card_view
from pages.shared.views import classifier, leaderboard, sample_card

sidebar.show_frame()
for fault in models.broken_cards().values():
    st.error(sidebar.plain(fault))
cards = leaderboard.pick_task()
card = leaderboard.show(cards)

st.subheader("Which one when")
leaderboard.show_choices(cards)
st.subheader("Curves")
leaderboard.show_curves(cards, card)

st.header(card.title)
card_view.show_figures(card)
classifier.show(card, cards)
card_view.show_detectors(card, cards)
card_view.show_trust(card, models.best_explainer(card.id))
card_view.show_text(card)
sample_card.show()
