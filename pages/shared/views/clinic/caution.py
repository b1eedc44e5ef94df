"""What to know before believing a verdict: on whom the model learned, and how it did elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.card_types import Card
from core.evaluation.sources import ADULTS
from core.types import Scan
from pages.shared import sentences
from pages.shared.caches import scores
from pages.shared.language import tr
from pages.shared.session import age
from pages.shared.views import sample_strip

if TYPE_CHECKING:
    from core.evaluation.by_source import SourceRow


def show(card: Card, scan: Scan) -> None:
    """The caution under a verdict; and whose film it is, once, where the model knows one age alone.

    card: the one that judged.
    scan: the one on screen.
    """
    known, sample = age.span(scan), sample_strip.sample_of(scan)
    child = (known is not None and known[1] < 18) or (sample is not None and sample.synthetic)
    if words := sentence(card, scores.sources(card.id), child=child):
        st.html(f'<p class="opacity-line opacity-caution">{words}</p>')
    if age.matters(card) and scan.age is None and sample is None:
        st.session_state["whose-film"] = st.session_state.get("age")
        st.segmented_control(
            tr(sentences.WHOSE_FILM),
            list(age.ANSWERS),
            format_func=tr,
            key="whose-film",
            on_change=lambda: age.say(st.session_state["whose-film"]),
        )


def sentence(card: Card, rows: tuple[SourceRow, ...], *, child: bool) -> str:
    """On whom it learned, and the share of normal films flagged at the worst place it did not learn from.

    card: the one that judged.
    rows: what it did on each source.
    child: whether the patient is known to be one.
    """
    taught_on_children = card.ages is not None and card.ages[1] < 18
    words = [tr(sentences.TRAINED_ON_CHILDREN).format(*card.ages)] if card.ages and taught_on_children else []
    elsewhere = {
        row.source: row.specificity
        for row in rows
        if not row.home and row.specificity is not None and not (child and row.source in ADULTS)
    }
    if elsewhere:
        worst, spared = min(elsewhere.items(), key=lambda pair: pair[1].value)
        whom = tr("adults") if worst in ADULTS else tr("patients")
        low, high = spared.interval
        shares = (100 * (1 - share) for share in (high, low))
        words.append(tr(sentences.FLAGGED).format(whom, 100 * (1 - spared.value), worst, spared.n, *shares))
    return " ".join(words)
