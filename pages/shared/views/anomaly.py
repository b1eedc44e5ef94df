"""What a detector says of a scan: words, histogram, maps."""

import plotly.graph_objects as go
import streamlit as st

from core import names
from core.card_types import Card
from core.types import AnomalyResult, ErrorFit, Scan
from pages.shared import sentences, wording
from pages.shared.caches import models
from pages.shared.components.scan_viewer import Layer
from pages.shared.language import tr
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
    titles = wording.unique_titles((first, *others.values())) | {"": tr("no other")}
    with st.sidebar:
        chosen = st.selectbox(
            tr("Compare with"),
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
        '<p class="opacity-line">'
        + tr(
            "Conformal p-value {p_value:.3f}: the share of normal scans expected to score as high or higher"
        ).format(p_value=models.p_value(card.id, result.score))
        + "</p>"
    )
    st.plotly_chart(
        charts.histogram(
            labels,
            scores,
            names=(tr("normal"), tr("abnormal")),
            threshold=threshold.value,
            scan=result.score,
            height=240,
        ),
        config=charts.PLAIN,
        alt=tr("{title}: scores of the test scans by class, with the threshold and this scan").format(
            title=card.title
        ),
        key=f"histogram-{card.id}",
    )
    st.caption(
        tr("{title}, {auc}. Threshold by {name} of normal validation scans unless moved.").format(
            title=card.title, auc=wording.auc(card.report["test"]), name=card.policy.name
        )
    )
    if result.reconstruction is None:
        st.caption(
            tr(
                "{title} makes no reconstruction. The map shows how far each place differs from normal "
                "scans there."
            ).format(title=card.title)
        )


def show_error_fit(card: Card, scan: Scan) -> None:
    """How error given detail judges a scan, with the picture of the fit; nothing for other cards.

    card: the detector's.
    scan: the one on screen.
    """
    fit = models.error_fit(card.id, scan.digest, _scan=scan)
    if fit is None:
        return
    with st.expander(tr("How the error is judged")):
        st.markdown(tr(sentences.ERROR_GIVEN_DETAIL))
        if names.AUROC_OF_RAW_ERROR in card.figures:
            st.caption(tr(sentences.RAW_ERROR).format(card.figures[names.AUROC_OF_RAW_ERROR]))
        st.plotly_chart(
            error_picture(fit),
            config=charts.PLAIN,
            alt=tr("Error of each cell against its detail: this scan, and what is usual"),
            key=f"error-fit-{card.id}",
        )


def error_picture(fit: ErrorFit) -> go.Figure:
    """Two points per cell: what is usual there with that much detail, and this scan."""
    marks = ((tr("usual"), fit.usual, charts.QUIET), (tr("this scan"), fit.error, charts.ABNORMAL))
    figure = go.Figure(
        [
            go.Scatter(
                x=fit.detail, y=errors, mode="markers", name=name, marker={"color": charts.shade(pair)}
            )
            for name, errors, pair in marks
        ]
    )
    figure.update_xaxes(type="log", title=tr("fine detail of the cell"))
    figure.update_yaxes(type="log", title=tr("error of the reconstruction"))
    return figure.update_layout(height=260, margin={"l": 0, "r": 0, "t": 8, "b": 0})


def layers(card: Card, scan: Scan, result: AnomalyResult, *, named: bool = False) -> list[Layer]:
    """The map, and reconstruction and signed error where there are any.

    card: the detector's.
    scan: the one on screen.
    result: what the detector says of it.
    named: whether the layers carry the card's title.
    """
    after = f", {card.title}" if named else ""
    usual = card.scales.get("map")
    found = [
        Layer(
            tr("Deviation{after}").format(after=after),
            result.map,
            scale=usual or max(float(result.map.max()), 1e-9),
            unit=tr("standard deviations"),
            zero=tr("within the normal range"),
            caption=tr("Beyond what normal scans show at that place.")
            + (
                "" if usual else tr(" Full colour: the hottest place of this scan; scans cannot be compared.")
            ),
        )
    ]
    if result.reconstruction is None:
        return found
    seen = models.network_input(card.id, scan.digest, _scan=scan)
    return [
        *found,
        Layer(
            tr("Reconstruction{after}").format(after=after),
            result.reconstruction,
            kind="grey",
            caption=tr("The scan as the model reconstructs it."),
        ),
        Layer(
            tr("Signed error{after}").format(after=after),
            seen - result.reconstruction,
            kind="signed",
            scale=0.5,
            unit=tr("of the grey range"),
            caption=tr("Orange: the scan is darker than its reconstruction. Purple: brighter."),
        ),
    ]
