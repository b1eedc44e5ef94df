"""Two models of a task on the test scans that both have."""

from collections.abc import Sequence

import streamlit as st

from core.card_types import Card
from pages.shared import sentences, wording
from pages.shared.caches import scores
from pages.shared.views import charts


def show(card: Card, cards: Sequence[Card]) -> None:
    """Their curves, the difference of their AUCs, and which is right where the other is wrong.

    card: the selected one.
    cards: all of its task.
    """
    titles = wording.unique_titles(cards)
    others = [one.id for one in cards if one.id != card.id]
    if not others:
        return
    st.subheader("Compare two")
    other = st.selectbox(
        f"{titles[card.id]} with", others, format_func=titles.__getitem__, key=f"compare-{card.id}"
    )
    found = scores.comparison(card.id, other)
    if found is None:
        st.info(sentences.NO_SHARED_SCANS)
        return
    first, second = titles[card.id], titles[other]
    chart, words = st.columns(2, gap="medium")
    chart.plotly_chart(
        charts.roc(dict(zip((first, second), found.curve, strict=True)), {}, height=340),
        config=charts.PLAIN,
        alt=f"ROC curves of {first} and {second} on the scans that both were tested on",
        key="compare-curves",
    )
    low, high = found.difference.interval
    clear = "no difference is shown" if low <= 0 <= high else f"{second if low > 0 else first} does better"
    with words:
        st.write(
            f"On {found.n} test scans of both, {found.abnormal} abnormal: AUC {found.auc[0]:.3f} and "
            f"{found.auc[1]:.3f}, difference {found.difference.value:+.3f} ({low:+.3f} to {high:+.3f}, "
            f"p {found.difference.p:.3f}): {clear}."
        )
        only = found.verdicts
        st.write(
            f"At their thresholds {first} alone is right on {only.first_alone} scans, {second} alone on "
            f"{only.second_alone} (McNemar, exact: p {only.p:.3f})."
        )
        st.caption(sentences.HOW_COMPARED)
