"""What another model says of the same scan, and where it looks."""

from dataclasses import dataclass

import streamlit as st

from core.card_types import Card
from core.types import Prediction, Scan, is_abnormal
from pages.shared import wording
from pages.shared.caches import heatmaps, models
from pages.shared.caches.heatmaps import HeatmapRequest
from pages.shared.components.scan_viewer import Layer
from pages.shared.language import tr
from pages.shared.numbering import numbered
from pages.shared.session import reading, thresholds
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import evidence, explainer_names
from pages.shared.views.evidence import HeatmapChoice


@dataclass(frozen=True, slots=True)
class Opinion:
    """One model's answer on the scan, with the threshold in use for it."""

    card: Card
    prediction: Prediction
    threshold: DecisionThreshold

    @property
    def suspicious(self) -> bool:
        return is_abnormal(self.prediction.score, self.threshold.value)

    @property
    def verdict(self) -> str:
        return wording.verdict(
            self.card, self.prediction.score, self.threshold, self.prediction.probabilities
        )


def pick(first: Opinion, scan: Scan) -> Opinion | None:
    """Another classifier for the same modality and its answer. None without one, or when its own gate refuses
    the scan."""
    others = {
        card.id: card
        for card in models.offered("classifier")
        if card.modality == first.card.modality and card.id != first.card.id
    }
    if not others:
        return None
    _, *listed = numbered(_title(card, first.card) for card in (first.card, *others.values()))
    titles = {"": tr("no other model"), **dict(zip(others, listed, strict=True))}
    st.subheader(tr("Second opinion"))
    chosen = others.get(
        st.selectbox(
            tr("From"),
            ["", *others],
            format_func=titles.__getitem__,
            key=f"opinion-{first.card.modality}",
            persist_state="session",
        )
    )
    if chosen is None:
        return None
    refusal = models.refusal(chosen.id, scan.digest, _scan=scan)
    if refusal:
        st.caption(
            tr("{title} gives no opinion. {refusal}").format(
                title=wording.title(chosen), refusal=wording.escape_markdown(refusal)
            )
        )
        return None
    prediction = models.prediction(chosen.id, scan.digest, _scan=scan)
    second = Opinion(chosen, prediction, thresholds.current_beside(chosen))
    reading.record(chosen, scan, score=prediction.score, threshold=second.threshold.value)
    _show(first, second)
    return second


def _title(card: Card, first: Card) -> str:
    return wording.title(card) + (f", {wording.task(card.task)}" if card.task != first.task else "")


def _show(first: Opinion, second: Opinion) -> None:
    told = wording.score_and_threshold(second.prediction.score, DecisionThreshold(second.threshold.value))
    st.html(f'<p class="opacity-line">{second.verdict}</p><p class="opacity-line">{told}</p>')
    agrees, words = compare(first, second)
    if agrees:
        st.html(f'<p class="opacity-line">{words}</p>')
    else:
        st.warning(words)


def compare(first: Opinion, second: Opinion) -> tuple[bool, str]:
    """Whether both say the same of the scan, and that in words."""
    if first.suspicious != second.suspicious:
        below, above = numbered([first.card.title, second.card.title])
        if first.suspicious:
            below, above = above, below
        return False, tr("The models disagree: {above} finds the scan suspicious, {below} does not.").format(
            above=above, below=below
        )
    if not first.suspicious:
        return True, tr("The models agree: both are below their threshold.")
    one, other = (wording.finding(o.card, o.prediction.probabilities) for o in (first, second))
    # only cards that know the same classes can differ about them: others have fewer words
    if first.card.labels == second.card.labels and one != other:
        return False, tr(
            "The models agree that the scan is suspicious, but not of what: {one}, or {other}."
        ).format(one=one, other=other)
    return True, tr("The models agree: both find the scan suspicious.")


def layers(second: Opinion | None, choice: HeatmapChoice, scan: Scan) -> list[Layer]:
    """The second model's maps by the methods chosen for the first, once somebody wants them beside it.

    second: its answer, if there is one.
    choice: what was chosen for the first model.
    scan: the one on screen.
    """
    if second is None or not choice.requests:
        return []
    available = heatmaps.explainers(second.card.id)
    shared = [request for request in choice.requests if request.method in available]
    if not shared:
        method = explainer_names.name(choice.requests[0].method)
        st.caption(
            tr("{title} has no map by {method} to show beside it.").format(
                title=second.card.title, method=method
            )
        )
        return []
    if not st.toggle(tr("Heat maps of both, side by side"), key="opinion-maps"):
        return []
    label = _label(second, shared[0].label)
    place = st.empty()
    wanted = [HeatmapRequest(second.card.id, request.method, label, request.arguments) for request in shared]
    return [
        evidence.layer(
            request,
            heatmaps.explanation(
                request,
                scan,
                evidence.report_progress(
                    tr("Drawing {name} of {title}").format(
                        name=explainer_names.name(request.method), title=second.card.title
                    ),
                    place,
                    _hide_heatmaps,
                ),
            ),
            own_scale=choice.own_scale,
            of=second.card.title,
        )
        for request in wanted
    ]


def _hide_heatmaps() -> None:
    st.session_state["opinion-maps"] = False


def _label(second: Opinion, label: str) -> str:
    """The label to explain: the same, or what the second model holds for most probable of the same kind."""
    labels = second.card.labels
    if label in labels:
        return label
    return max(labels[1:], key=lambda name: second.prediction.probabilities[name])
