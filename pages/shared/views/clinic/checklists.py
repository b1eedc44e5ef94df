"""Reporting checklists filled from the card."""

import streamlit as st

from core.card_types import Card
from pages.shared.language import tr


def show(card: Card) -> None:
    """CLAIM 2024 and TRIPOD+AI, shown and to be taken away. card: that answers."""
    from core.evaluation import checklists  # brings scikit-learn, after the rest of the page is on screen

    items = checklists.fill(card)
    known = sum(item.answer is not None for item in items)
    st.subheader(tr("Reporting checklists"))
    st.caption(
        tr("CLAIM 2024 and TRIPOD+AI, filled from the card: it answers {known} of {items} items.").format(
            known=known, items=len(items)
        )
    )
    with st.expander(tr("Items and answers")):
        st.dataframe(
            [
                {
                    tr("checklist"): item.checklist,
                    tr("number"): item.number,
                    tr("item"): item.asks,
                    tr("answer"): item.answer or checklists.NOT_KNOWN,
                }
                for item in items
            ],
            hide_index=True,
            key="checklists",
        )
    files = {"csv": ("CSV", checklists.as_csv), "md": ("Markdown", checklists.as_markdown)}
    for place, (ending, (name, write)) in zip(st.columns(2), files.items(), strict=True):
        place.download_button(
            name, write(items), f"{card.id}-checklists.{ending}", "text/plain", width="stretch"
        )
