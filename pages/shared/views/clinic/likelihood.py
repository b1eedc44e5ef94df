"""What a score means in a clinic: how many times as often it is seen in disease, and in how many of whom."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from core.card_types import Card
from pages.shared import wording
from pages.shared.caches import scores
from pages.shared.language import tr
from pages.shared.session import clinic


@st.fragment
def show(card: Card, score: float, probabilities: Mapping[str, float] = wording.NO_PROBABILITIES) -> None:
    """The likelihood ratio, the share at the prevalence on the dial, and where both were measured. The dial
    runs this part of the page alone.

    card: the one that judged.
    score: the scan's.
    probabilities: by label, where a classifier gave them.
    """
    place = st.empty()  # the answer stands above the dial that it follows
    prevalence = _dial()
    lines = (sentence(card, score, prevalence), wording.kinds(card, probabilities))
    place.html("".join(f'<p class="opacity-line">{line}.</p>' for line in lines if line))
    st.caption(wording.where_calibrated(card))
    meaning(card, score)


def sentence(card: Card, score: float, prevalence: float) -> str:
    """The ratio, and of how many such scans one is abnormal.

    card: the one that judged.
    score: the scan's.
    prevalence: share of abnormal scans where it is used.
    """
    ratio = scores.likelihood_ratio(card.id)
    found = ratio.at(score)
    often = wording.likelihood(card, found, at_an_end=not ratio.least < found < ratio.most)
    share = wording.one_in(ratio.probability(score, prevalence))
    return tr("Such a score is {often}; at {prevalence:.3g}% prevalence {share}").format(
        often=often, prevalence=100 * prevalence, share=share
    )


def meaning(card: Card, score: float) -> Mapping[str, str]:
    """For a report, by its heading: the sentence, and where it was measured. It follows the dial, wherever it
    was given.

    card: the one that judged.
    score: the scan's.
    """
    kept: dict[str, str] = st.session_state.setdefault("meaning", {})
    said = sentence(card, score, clinic.current().prevalence)
    kept.clear()
    kept[tr("What it means")] = f"{said}. {wording.where_calibrated(card)}"
    return kept


def _dial() -> float:
    """The prevalence where the model is used, the same number as on page Thresholds."""
    known = clinic.current()
    percent = st.number_input(
        tr("Prevalence where it is used, %"),
        100 * clinic.LOWEST,
        100 * clinic.HIGHEST,
        100 * known.prevalence,
        1.0,
        "%.1f",
        key="prevalence",
    )
    if abs(percent / 100 - known.prevalence) > 1e-9:
        clinic.choose(replace(known, prevalence=percent / 100))
    return clinic.current().prevalence
