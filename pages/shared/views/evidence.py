"""The evidence on a page: which heat maps, how they are drawn, and how far each can be trusted."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.card_types import Card
from core.types import Agreement, Explanation, Scan
from pages.shared import map_wording, sentences, wording
from pages.shared.caches import heatmaps
from pages.shared.caches.heatmaps import HeatmapRequest
from pages.shared.components.scan_viewer import Layer
from pages.shared.language import tr
from pages.shared.views import explainer_names

PROGRESS_AFTER = 0.6  # seconds before a wait is announced


@dataclass(frozen=True, slots=True)
class HeatmapChoice:
    """What to draw. requests: the map on top first. own_scale: full colour is this film's hottest place."""

    requests: tuple[HeatmapRequest, ...]
    own_scale: bool

    @property
    def several(self) -> bool:
        return len(self.requests) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was drawn. shown: the chosen maps by method; maps: those and the ones they are compared with."""

    choice: HeatmapChoice
    shown: dict[str, Explanation]
    maps: dict[str, Explanation]
    shared: Agreement


def pick_heatmaps(card: Card, probabilities: Mapping[str, float]) -> HeatmapChoice:
    """Ask which methods, for which class, with which options. Opens with the method to trust most and the
    most probable abnormal class. A card that has no map asks nothing; one whose best map finds no disease
    asks whether to see it all the same."""
    known = heatmaps.explainers(card.id)
    if not known or not _wanted(card, known[0]):
        return HeatmapChoice((), own_scale=False)
    method = st.selectbox(
        tr("Method"),
        known,
        format_func=explainer_names.name,
        key=f"method-{card.id}",
        persist_state="session",
    )
    labels = [*sorted(card.labels[1:], key=lambda name: -probabilities[name]), card.labels[0]]
    label = st.selectbox(
        tr("Evidence for"),
        labels,
        format_func=tr,
        key=f"label-{card.id}-{labels[0]}",
        persist_state="session",
    )
    with st.expander(tr("Compare and set")):
        beside = st.multiselect(
            tr("Side by side with"),
            [name for name in known if name != method],
            format_func=explainer_names.name,
            key=f"beside-{card.id}-{method}",
            placeholder=tr("None"),
        )
        own_scale = st.toggle(
            tr("Scale to this film"),
            key="own-scale",
            help=tr("Shows faint maps in full colour; maps of different films can no longer be compared."),
        )
        options = {name: _pick_options(name) for name in (method, *beside)}
    return HeatmapChoice(
        tuple(HeatmapRequest(card.id, name, label, arguments) for name, arguments in options.items()),
        own_scale,
    )


def _wanted(card: Card, best: str) -> bool:
    """Whether to show maps: unasked only where the best of them is worth a look."""
    if heatmaps.worth(card.id, best) != "ignore":
        return True
    st.write(map_wording.map_worth("ignore", explainer_names.name(best)))
    return st.toggle(tr(sentences.SHOW_MAP), key=f"show-map-{card.id}", persist_state="session")


def _pick_options(method: str) -> tuple[tuple[str, int], ...]:
    """The method's options as chosen."""
    return tuple(
        (
            name,
            st.select_slider(
                f"{tr(name).capitalize()}, {explainer_names.name(method)}",
                option.choices,
                value=option.default,
                key=f"{method}-{name}",
            ),
        )
        for name, option in heatmaps.explainer_options(method).items()
    )


def draw(choice: HeatmapChoice, scan: Scan) -> Evidence:
    """The chosen maps, slow ones with their progress on the page, and what they have in common."""
    from core.explainers import trust  # brings torch, which a page loads last

    if not choice.requests:
        return Evidence(choice, {}, {}, Agreement({}, np.zeros_like(scan.pixels)))
    place = st.empty()
    shown = {
        request.method: heatmaps.explanation(
            request,
            scan,
            report_progress(
                tr("Drawing {name}").format(name=explainer_names.name(request.method)),
                place,
                cancel=lambda: _draw_fast(choice),
            ),
        )
        for request in choice.requests
    }
    # One map alone agrees with nothing: those that cost next to nothing stand by.
    card_id, label = choice.requests[0].card_id, choice.requests[0].label
    others = [HeatmapRequest(card_id, name, label) for name in _fast(card_id) if name not in shown]
    maps = {**shown, **{request.method: heatmaps.explanation(request, scan) for request in others}}
    frame = next(iter(maps.values())).frame
    shared = trust.agreement({name: drawn.heatmap for name, drawn in maps.items()}, frame)
    return Evidence(choice, shown, maps, shared)


def _fast(card_id: str) -> list[str]:
    """The card's methods that take a single pass: the others have something to set."""
    return [name for name in heatmaps.explainers(card_id) if not heatmaps.explainer_options(name)]


def _draw_fast(choice: HeatmapChoice) -> None:
    """Give the slow methods up: back to the most trusted one that takes a single pass."""
    card_id, wanted = choice.requests[0].card_id, choice.requests[0].method
    st.session_state[f"beside-{card_id}-{wanted}"] = []
    st.session_state[f"method-{card_id}"] = (_fast(card_id) or heatmaps.explainers(card_id))[0]


def report_progress(words: str, place: DeltaGenerator, cancel: Callable[[], None]) -> Callable[[float], None]:
    """A progress callback: after a moment it says how far, how long still, and offers a way out.

    words: what is being done.
    place: where on the page.
    cancel: called when a person gives up.
    The way out is any click: Streamlit ends the running script at the next word it would put on the page.
    """
    start = time.monotonic()
    bar: DeltaGenerator | None = None

    def show(share: float) -> None:
        nonlocal bar
        spent = time.monotonic() - start
        if share >= 1:
            place.empty()
        elif spent > PROGRESS_AFTER:
            if bar is None:
                with place.container():
                    bar = st.progress(share)
                    st.button(tr("Cancel"), key=f"cancel {words}", on_click=cancel)
            bar.progress(
                share,
                tr("{words}: {share:.0%}, about {spent:.0f} s left").format(
                    words=words, share=share, spent=spent / share - spent
                ),
            )

    return show


def layers(card: Card, found: Evidence, beside: Sequence[Layer]) -> list[Layer]:
    """The maps for the viewer, and where three methods or more agree; or those of another model beside.

    card: the one that is explained.
    found: its maps.
    beside: the maps of another model, which take the place of the agreement.
    """
    choice, shared = found.choice, found.shared
    drawn = [
        layer(request, shown, own_scale=choice.own_scale, of=card.title if beside else "")
        for request, shown in zip(choice.requests, found.shown.values(), strict=True)
    ]
    if beside or not shared.together.any():
        return [*drawn, *beside]
    together = Layer(
        tr("Where methods agree"),
        shared.together,
        scale=float(max(shared.together.max(), 3)),
        unit=tr("methods"),
        zero=tr("fewer than three"),
        caption=tr("Methods that count a place among the hottest tenth of their map."),
    )
    return [*drawn, together]


def layer(request: HeatmapRequest, shown: Explanation, *, own_scale: bool, of: str = "") -> Layer:
    """One map for the viewer.

    request: that was asked for.
    shown: the map.
    own_scale: whether full colour is this film's hottest place.
    of: the model's name, where there are maps of several.
    """
    return Layer(
        (of and f"{of}: ")
        + tr("{method} for {label}").format(method=explainer_names.name(shown.method), label=tr(shown.label)),
        shown.heatmap,
        scale=_scale(shown, own=own_scale),
        unit=tr(shown.unit),
        caption=_caption(request, own=own_scale),
    )


def _scale(shown: Explanation, *, own: bool) -> float:
    peak = float(shown.heatmap.max())
    return peak if own and peak > 0 else shown.scale


def _caption(request: HeatmapRequest, *, own: bool) -> str:
    settings = ", ".join(f"{tr(name)} {value}" for name, value in request.arguments)
    brightest = tr(sentences.BRIGHTEST_OWN) if own else tr(sentences.BRIGHTEST)
    return f"{settings and f'{wording.upper_first(settings)}. '}{brightest}"
