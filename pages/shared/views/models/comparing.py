"""Two models of a task on the test scans that both have."""

from collections.abc import Sequence

import streamlit as st

from core.card_types import Card
from pages.shared import sentences, wording
from pages.shared.caches import scores
from pages.shared.language import tr
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
    st.subheader(tr("Compare two"))
    other = st.selectbox(
        tr("{model} with").format(model=titles[card.id]),
        others,
        format_func=titles.__getitem__,
        key=f"compare-{card.id}",
    )
    found = scores.comparison(card.id, other)
    if found is None:
        st.info(tr(sentences.NO_SHARED_SCANS))
        return
    first, second = titles[card.id], titles[other]
    chart, words = st.columns(2, gap="medium")
    chart.plotly_chart(
        charts.roc(dict(zip((first, second), found.curve, strict=True)), {}, height=340),
        config=charts.PLAIN,
        alt=tr("ROC curves of {first} and {second} on the scans that both were tested on").format(
            first=first, second=second
        ),
        key="compare-curves",
    )
    low, high = found.difference.interval
    clear = (
        tr("no difference is shown")
        if low <= 0 <= high
        else tr("{model} does better").format(model=second if low > 0 else first)
    )
    with words:
        st.write(
            tr(
                "On {n} test scans of both, {abnormal} abnormal: AUC {first:.3f} and "
                "{second:.3f}, difference {value:+.3f} ({low:+.3f} to {high:+.3f}, "
                "p {p:.3f}): {clear}."
            ).format(
                n=found.n,
                abnormal=found.abnormal,
                first=found.auc[0],
                second=found.auc[1],
                value=found.difference.value,
                low=low,
                high=high,
                p=found.difference.p,
                clear=clear,
            )
        )
        only = found.verdicts
        st.write(
            tr(
                "At their thresholds {first} alone is right on {first_alone} scans, {second} alone on "
                "{second_alone} (McNemar, exact: p {p:.3f})."
            ).format(
                first=first,
                first_alone=only.first_alone,
                second=second,
                second_alone=only.second_alone,
                p=only.p,
            )
        )
        st.caption(tr(sentences.HOW_COMPARED))
