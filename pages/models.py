"""Which model, and may I trust it?"""

import streamlit as st

from core.types import Card
from pages.shared import cache, card_view, inputs


def leaderboard(cards: tuple[Card, ...]) -> Card:
    """All cards with their test figures; returns the selected one."""
    rows = [
        {
            "model": card.title,
            "task": card.task,
            "test AUC": card.report["test"].auc,
            "95 % interval": "{:.3f}-{:.3f}".format(*card.report["test"].auc_interval),
            "accuracy": card.report["test"].points[0].accuracy,
            "sensitivity": card.report["test"].points[0].sensitivity,
            "specificity": card.report["test"].points[0].specificity,
            "test scans": card.report["test"].n,
            "parameters": card.training.parameters,
        }
        for card in cards
    ]
    three = st.column_config.NumberColumn(format="%.3f")
    selected = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row-required",
        column_config=dict.fromkeys(("test AUC", "accuracy", "sensitivity", "specificity"), three),
        key="leaderboard",
    )["selection"]["rows"]
    return cards[selected[0] if selected else 0]


inputs.show_frame()
for fault in cache.broken_cards().values():
    st.error(inputs.plain(fault))
card = leaderboard(cache.every_card())
st.subheader(card.title)
card_view.show_figures(card)
card_view.show_detectors(card, cache.every_card())
card_view.show_trust(card, cache.best_explainer(card.id))
card_view.show_text(card)
