"""The evidence on a page: which heat maps, how they are drawn, and how far each can be trusted."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.card_types import Card
from core.types import Agreement, Explanation, Faithfulness, LungFields, Scan
from pages.shared.caches import models
from pages.shared.caches.models import HeatmapRequest
from pages.shared.components.scan_viewer import Layer
from pages.shared.views import explainer_names

PROGRESS_AFTER = 0.6  # seconds before a wait is announced
SIMILAR = 0.5  # rank correlation from which on two maps agree
CAUTION = "A heat map shows what moved the model, not where disease is."


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
    most probable abnormal class; a card that has no map asks nothing."""
    known = models.explainers(card.id)
    if not known:
        return HeatmapChoice((), own_scale=False)
    method = st.selectbox(
        "Method", known, format_func=explainer_names.name, key=f"method-{card.id}", persist_state="session"
    )
    labels = [*sorted(card.labels[1:], key=lambda name: -probabilities[name]), card.labels[0]]
    label = st.selectbox("Evidence for", labels, key=f"label-{card.id}-{labels[0]}", persist_state="session")
    with st.expander("Compare and set"):
        beside = st.multiselect(
            "Side by side with",
            [name for name in known if name != method],
            format_func=explainer_names.name,
            key=f"beside-{card.id}-{method}",
            placeholder="None",
        )
        own_scale = st.toggle(
            "Scale to this film",
            key="own-scale",
            help="Shows faint maps in full colour; films can no longer be compared.",
        )
        options = {name: _pick_options(name) for name in (method, *beside)}
    return HeatmapChoice(
        tuple(HeatmapRequest(card.id, name, label, arguments) for name, arguments in options.items()),
        own_scale,
    )


def _pick_options(method: str) -> tuple[tuple[str, int], ...]:
    """The method's options as chosen."""
    return tuple(
        (
            name,
            st.select_slider(
                f"{name.capitalize()}, {explainer_names.name(method)}",
                option.choices,
                value=option.default,
                key=f"{method}-{name}",
            ),
        )
        for name, option in models.explainer_options(method).items()
    )


def draw(choice: HeatmapChoice, scan: Scan) -> Evidence:
    """The chosen maps, slow ones with their progress on the page, and what they have in common."""
    from core.explain import trust  # brings torch, which a page loads last

    if not choice.requests:
        return Evidence(choice, {}, {}, Agreement({}, np.zeros_like(scan.pixels)))
    place = st.empty()
    shown = {
        request.method: models.explanation(
            request,
            scan,
            report_progress(
                f"Drawing {explainer_names.name(request.method)}", place, cancel=lambda: _draw_fast(choice)
            ),
        )
        for request in choice.requests
    }
    # One map alone agrees with nothing: those that cost next to nothing stand by.
    card_id, label = choice.requests[0].card_id, choice.requests[0].label
    others = [HeatmapRequest(card_id, name, label) for name in _fast(card_id) if name not in shown]
    maps = {**shown, **{request.method: models.explanation(request, scan) for request in others}}
    frame = next(iter(maps.values())).frame
    shared = trust.agreement({name: drawn.heatmap for name, drawn in maps.items()}, frame)
    return Evidence(choice, shown, maps, shared)


def _fast(card_id: str) -> list[str]:
    """The card's methods that take a single pass: the others have something to set."""
    return [name for name in models.explainers(card_id) if not models.explainer_options(name)]


def _draw_fast(choice: HeatmapChoice) -> None:
    """Give the slow methods up: back to the most trusted one that takes a single pass."""
    card_id, wanted = choice.requests[0].card_id, choice.requests[0].method
    st.session_state[f"beside-{card_id}-{wanted}"] = []
    st.session_state[f"method-{card_id}"] = (_fast(card_id) or models.explainers(card_id))[0]


def report_progress(words: str, place: DeltaGenerator, cancel: Callable[[], None]) -> Callable[[float], None]:
    """A progress callback: after a moment it says how far, how long still, and offers a way out.

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
                    st.button("Cancel", key=f"cancel {words}", on_click=cancel)
            bar.progress(share, f"{words}: {share:.0%}, about {spent / share - spent:.0f} s left")

    return show


def layers(card: Card, found: Evidence, beside: Sequence[Layer]) -> list[Layer]:
    """The maps for the viewer, and where three methods or more agree; or those of another model beside."""
    choice, shared = found.choice, found.shared
    drawn = [
        layer(request, shown, own_scale=choice.own_scale, of=card.title if beside else "")
        for request, shown in zip(choice.requests, found.shown.values(), strict=True)
    ]
    if beside or not shared.together.any():
        return [*drawn, *beside]
    together = Layer(
        "Where methods agree",
        shared.together,
        scale=float(max(shared.together.max(), 3)),
        unit="methods",
        zero="fewer than three",
        caption="Methods that count a place among the hottest tenth of their map.",
    )
    return [*drawn, together]


def layer(request: HeatmapRequest, shown: Explanation, *, own_scale: bool, of: str = "") -> Layer:
    """One map for the viewer. of: the model's name, where there are maps of several."""
    return Layer(
        f"{of and f'{of}: '}{explainer_names.name(shown.method)} for {shown.label}",
        shown.heatmap,
        scale=_scale(shown, own=own_scale),
        unit=shown.unit,
        caption=_caption(request, own=own_scale),
    )


def _scale(shown: Explanation, *, own: bool) -> float:
    peak = float(shown.heatmap.max())
    return peak if own and peak > 0 else shown.scale


def _caption(request: HeatmapRequest, *, own: bool) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in request.arguments)
    full = (
        "this film's hottest place; films differ" if own else "the hottest place of 95 % of validation scans"
    )
    return f"{settings and f'{settings.capitalize()}. '}Full colour: {full}."


def show_readout(card: Card, found: Evidence, lungs: LungFields | None, scan: Scan) -> None:
    """Beside each map: is it in the lungs, do others agree, is it the model, does it matter.

    lungs: None for a picture without any.
    """
    from core.explain import trust

    if not found.shown:
        st.caption(f"{card.title} has no heat map yet: its verdict comes without evidence.")
        return
    measured = _measure(found.choice, scan)
    rows: dict[str, dict[str, str]] = {}
    for method, shown in found.shown.items():
        column: dict[str, str] = {}
        if lungs is not None:
            inside = trust.inside_share(shown.heatmap, lungs.mask)
            column["inside the lungs"] = "no heat" if inside is None else f"{inside:.0%}"
        alike = [value for pair, value in found.shared.pairs.items() if method in pair]
        known = card.trust.get(method)
        column |= {
            "agrees with": f"{sum(value >= SIMILAR for value in alike)} of {len(alike)} methods",
            "alike when untrained": f"{max(known.sanity.values()):.2f}" if known else "not measured",
        }
        if method in measured:
            test = measured[method]
            column |= {
                "deletion (random)": f"{test.deletion.area:.2f} ({test.random_deletion.area:.2f})",
                "insertion (random)": f"{test.insertion.area:.2f} ({test.random_insertion.area:.2f})",
                "probability, all blurred": f"{test.deletion.y[-1]:.2f}",
            }
        rows[explainer_names.name(method)] = column
    table: list[dict[str, str]] = [{"": method, **row} for method, row in rows.items()]
    if len(rows) == 1:  # one map: its figures under each other, which needs less room
        ((method, row),) = rows.items()
        table = [{"": name, method: value} for name, value in row.items()]
    st.dataframe(table, hide_index=True, alt="How far each map can be trusted")
    st.caption(CAUTION)
    unfit = [
        explainer_names.name(name)
        for name in found.shown
        if name in card.trust and not trust.is_trustworthy(card.trust[name])
    ]
    if unfit:
        st.write(f"Unfit on this model, by its table on Models: {', '.join(unfit)}.")
    _show_explanations(card, found, lungs is not None)


def _measure(choice: HeatmapChoice, scan: Scan) -> dict[str, Faithfulness]:
    """Deletion and insertion of the chosen maps, once somebody asks."""
    place = st.empty()
    wanted = st.button(
        "Does it matter?",
        key="matter",
        help="Blurs the hottest places first, shows them first, and watches the probability.",
    )
    words = "Blurring and watching"
    return {
        request.method: models.faithfulness(
            request,
            scan,
            report_progress(f"{words} {explainer_names.name(request.method)}", place, lambda: None),
        )
        for request in choice.requests
        if wanted or models.is_measured(request, scan)
    }


def _show_explanations(card: Card, found: Evidence, has_lungs: bool) -> None:
    """What the rows mean, and the rank correlation of every two maps."""
    from core.explain.trust import MAX_RANDOMISED_CORRELATION

    maps, shared = found.maps, found.shared
    with st.expander("How to read this"):
        area = [f" Spread evenly, {row.lung_area:.0%} of it would be." for row in card.trust.values()][:1]
        inside = f"- **Inside the lungs**: share of the heat.{''.join(area)}\n" if has_lungs else ""
        st.markdown(
            "".join(
                f"- **{explainer_names.name(method)}**: {explainer_names.meaning(method)}\n"
                for method in found.shown
            )
            + f"{inside}- **Agrees with**: maps with a rank correlation of {SIMILAR} or more.\n"
            "- **Alike when untrained**: rank correlation with the map of a network that forgot its "
            f"training, on test films. From {MAX_RANDOMISED_CORRELATION} on, the map ignores the model.\n"
            "- **Deletion, insertion**: area under the probability while the hottest places are blurred, or "
            "shown, first. A map that matters has less deletion and more insertion than a random one."
        )
        st.dataframe(
            [
                {"": explainer_names.name(one)}
                | {
                    explainer_names.name(other): 1.0 if one == other else _pair(shared, one, other)
                    for other in maps
                }
                for one in maps
            ],
            hide_index=True,
            column_config={
                explainer_names.name(one): st.column_config.NumberColumn(format="%.2f") for one in maps
            },
            alt="Rank correlation of the maps, two by two",
        )
        st.caption("Rank correlation of the maps: 1 alike, 0 unrelated, -1 opposite.")


def _pair(shared: Agreement, one: str, other: str) -> float:
    return shared.pairs.get((one, other), shared.pairs.get((other, one), 0.0))
