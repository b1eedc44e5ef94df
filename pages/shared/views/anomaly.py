"""What a detector says of a scan: words, histogram, maps."""

import streamlit as st

from core.card_types import Card
from core.types import AnomalyResult, Scan
from pages.shared import wording
from pages.shared.caches import models
from pages.shared.components.scan_viewer import Layer
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import charts


def pick_second(first: Card) -> Card | None:
    """Another detector of the same modality to compare with, or None."""
    others = {
        card.id: card
        for card in models.every_card()
        if card.kind == "detector" and card.modality == first.modality and card.id != first.id
    }
    if not others:
        return None
    titles = wording.unique_titles((first, *others.values())) | {"": "no other"}
    with st.sidebar:
        chosen = st.selectbox(
            "Compare with",
            ["", *others],
            format_func=titles.__getitem__,
            key=f"second-{first.modality}",
            persist_state="session",
        )
    return others.get(chosen)


def show_answer(card: Card, result: AnomalyResult, threshold: DecisionThreshold) -> None:
    """Verdict, percentile among normal scans, and the test scans' scores.

    card: the detector's.
    result: what it says of the scan.
    threshold: the one in use for the card.
    """
    labels, scores = models.labels_and_scores(card.id, "test")
    charts.show_verdict(
        card,
        score=result.score,
        threshold=threshold,
        percentile=models.percentile(card.id, result.score),
        span=charts.span_of(scores),
    )
    st.html(
        f'<p class="opacity-line">Conformal p-value {models.p_value(card.id, result.score):.3f}: '
        "the share of normal scans expected to score as high or higher</p>"
    )
    st.plotly_chart(
        charts.histogram(
            labels,
            scores,
            names=("normal", "abnormal"),
            threshold=threshold.value,
            scan=result.score,
            height=240,
        ),
        config=charts.PLAIN,
        alt=f"{card.title}: scores of the test scans by class, with the threshold and this scan",
        key=f"histogram-{card.id}",
    )
    st.caption(
        f"{card.title}, {wording.auc(card.report['test'])}. "
        f"Threshold by {card.policy.name} of normal validation scans unless moved."
    )
    if result.reconstruction is None:
        st.caption(
            f"{card.title} makes no reconstruction. The map shows how far each place differs from normal "
            "scans there."
        )


def layers(card: Card, scan: Scan, result: AnomalyResult, *, named: bool = False) -> list[Layer]:
    """The map, and reconstruction and signed error where there are any.

    card: the detector's.
    scan: the one on screen.
    result: what the detector says of it.
    named: whether the layers carry the card's title.
    """
    after = f", {card.title}" if named else ""
    found = [
        Layer(
            f"Deviation{after}",
            result.map,
            scale=card.scales["map"],
            unit="standard deviations",
            zero="within the normal range",
            caption="Beyond what normal scans show at that place.",
        )
    ]
    if result.reconstruction is None:
        return found
    seen = models.network_input(card.id, scan.digest, _scan=scan)
    return [
        *found,
        Layer(
            f"Reconstruction{after}",
            result.reconstruction,
            kind="grey",
            caption="The scan as the model reconstructs it.",
        ),
        Layer(
            f"Signed error{after}",
            seen - result.reconstruction,
            kind="signed",
            scale=0.5,
            unit="of the grey range",
            caption="Orange: the scan is darker than its reconstruction. Purple: brighter.",
        ),
    ]
