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
    with st.sidebar:
        chosen = st.selectbox(
            "Compare with",
            ["", *others],
            format_func=lambda name: others[name].title if name else "no other",
            key=f"second-{first.modality}",
            persist_state="session",
        )
    return others.get(chosen)


def show_answer(card: Card, result: AnomalyResult, threshold: DecisionThreshold) -> None:
    """Verdict, place among normals, and the test scans' scores."""
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
        "the share of normal scans that would score as high</p>"
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
            f"{card.title} rebuilds nothing, so there is no reconstruction. The map shows how far each place "
            "lies from what normal scans show there."
        )


def layers(card: Card, scan: Scan, result: AnomalyResult, *, named: bool = False) -> list[Layer]:
    """Reconstruction and signed error where there are any, and the map. named: with the card's title."""
    after = f", {card.title}" if named else ""
    found = [
        Layer(
            f"Deviation{after}",
            result.map,
            scale=card.scales["map"],
            unit="standard deviations",
            zero="as usual or less",
            caption="Beyond what is usual at that place in normal scans.",
        )
    ]
    if result.reconstruction is None:
        return found
    seen = models.as_seen(card.id, scan.digest, _scan=scan)
    return [
        *found,
        Layer(
            f"Reconstruction{after}",
            result.reconstruction,
            kind="grey",
            caption="What the model made of it.",
        ),
        Layer(
            f"Signed error{after}",
            seen - result.reconstruction,
            kind="signed",
            scale=0.5,
            unit="of the grey range",
            caption="Orange: darker than rebuilt. Purple: brighter.",
        ),
    ]
