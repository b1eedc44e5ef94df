"""Beside each heat map: how far it can be trusted on this scan."""

import streamlit as st

from core.card_types import Card
from core.types import Agreement, Explanation, Faithfulness, LungFields, Scan, Trust
from pages.shared import map_wording, sentences
from pages.shared.caches import heatmaps, models
from pages.shared.language import tr
from pages.shared.views import explainer_names
from pages.shared.views.evidence import Evidence, HeatmapChoice, report_progress

SIMILAR = 0.5  # rank correlation from which on two maps agree


def show(card: Card, found: Evidence, lungs: LungFields | None, scan: Scan) -> None:
    """Beside each map: share inside the lungs, agreement, the randomisation test, faithfulness.

    card: the one that is explained.
    found: its maps.
    lungs: None for a picture without any.
    scan: the one on screen.
    """
    if not found.shown and heatmaps.explainers(card.id):
        return  # nobody asked for a map that finds nothing
    if not found.shown:
        st.caption(tr("{title} has no heat map yet: there is no evidence to show.").format(title=card.title))
        return
    blurred = map_wording.blurred(card, models.blurred_score(card.id, scan.digest, _scan=scan))
    for method, shown in found.shown.items():
        said = _sentence(found, method, None if lungs is None else _lung_shares(shown, lungs))
        st.write(f"{said} {blurred}")
        if word := heatmaps.worth(card.id, method):
            st.write(map_wording.map_worth(word, explainer_names.name(method)))
    _warn_of_unreliable(card, found)
    st.caption(tr(sentences.HEAT_MAP_CAUTION))
    with st.expander(tr(sentences.MAP_FIGURES)):
        measured = _measure(found.choice, scan)
        rows = {
            explainer_names.name(method): {
                **({} if lungs is None else _inside(shown, lungs)),
                **_agreement(card, found, method),
                **(_faithfulness(measured[method]) if method in measured else {}),
            }
            for method, shown in found.shown.items()
        }
        table: list[dict[str, str]] = [{"": method, **row} for method, row in rows.items()]
        if len(rows) == 1:  # one map: its figures under each other, which needs less room
            ((method, row),) = rows.items()
            table = [{"": name, method: value} for name, value in row.items()]
        st.dataframe(table, hide_index=True, alt=tr("How far each map can be trusted"))
        _show_explanations(found, lungs is not None)


def _sentence(found: Evidence, method: str, shares: tuple[float | None, float] | None) -> str:
    """One map in plain words.

    found: all maps.
    method: of this one.
    shares: of the heat in the lungs, and of an even spread; None for a picture without lungs.
    """
    correlations = [value for pair, value in found.shared.pairs.items() if method in pair]
    return map_wording.heat_map(
        explainer_names.name(method),
        shares,
        similar=sum(value >= SIMILAR for value in correlations),
        methods=len(correlations),
    )


def _lung_shares(shown: Explanation, lungs: LungFields) -> tuple[float | None, float]:
    """In the lungs' hull, as consolidated lung is lung: of the map's heat, None without any, and of the part
    of the scan that the network saw."""
    from core.anatomy.lungs import hull_in
    from core.explainers import trust

    hull = hull_in(lungs.mask)
    top, left, bottom, right = (round(edge) for edge in shown.frame.box)
    in_lungs = int(hull[max(0, top) : bottom, max(0, left) : right].sum())
    even = in_lungs / max((bottom - top) * (right - left), 1)
    return trust.inside_share(shown.heatmap, hull), even


def _warn_of_unreliable(card: Card, found: Evidence) -> None:
    from core.explainers import trust

    unfit = [
        explainer_names.name(name)
        for name in found.shown
        if name in card.trust and not trust.is_trustworthy(card.trust[name])
    ]
    best = heatmaps.best_explainer(card.id)
    if unfit:
        prefer = "" if best is None else explainer_names.name(best)
        st.write(map_wording.unreliable(unfit, "" if prefer in unfit else prefer))


def _inside(shown: Explanation, lungs: LungFields) -> dict[str, str]:
    inside, even = _lung_shares(shown, lungs)
    told = tr("no heat") if inside is None else f"{inside:.0%}"
    return {tr("inside the lungs (even spread)"): f"{told} ({even:.0%})"}


def _agreement(card: Card, found: Evidence, method: str) -> dict[str, str]:
    """With the other methods' maps, and with the map of a network at random weights."""
    correlations = [value for pair, value in found.shared.pairs.items() if method in pair]
    similar = sum(value >= SIMILAR for value in correlations)
    known = card.trust.get(method)
    return {
        tr("agrees with"): tr("{similar} of {methods} methods").format(
            similar=similar, methods=len(correlations)
        ),
        tr("depends on training"): _depends(known),
    }


def _depends(known: Trust | None) -> str:
    """Whether the map changes when the network's weights are drawn anew."""
    from core.explainers.trust import MAX_RANDOMISED_CORRELATION

    if known is None:
        return tr("not measured")
    similar = max(known.sanity.values())
    answer = tr("yes") if similar < MAX_RANDOMISED_CORRELATION else tr("no")
    return tr("{answer} ({similar:.2f}; under {limit:g} is good)").format(
        answer=answer, similar=similar, limit=MAX_RANDOMISED_CORRELATION
    )


def _faithfulness(test: Faithfulness) -> dict[str, str]:
    return {
        tr("deletion (random)"): f"{test.deletion.area:.2f} ({test.random_deletion.area:.2f})",
        tr("insertion (random)"): f"{test.insertion.area:.2f} ({test.random_insertion.area:.2f})",
        tr("probability, all blurred"): f"{test.deletion.y[-1]:.2f}",
    }


def _measure(choice: HeatmapChoice, scan: Scan) -> dict[str, Faithfulness]:
    """Deletion and insertion of the chosen maps, once somebody asks."""
    place = st.empty()
    wanted = st.button(
        tr(sentences.TEST_MAP),
        key="faithfulness",
        help=tr(sentences.TEST_MAP_HELP),
    )
    words = tr("Measuring")
    return {
        request.method: heatmaps.faithfulness(
            request,
            scan,
            report_progress(f"{words} {explainer_names.name(request.method)}", place, lambda: None),
        )
        for request in choice.requests
        if wanted or heatmaps.is_measured(request, scan)
    }


def _show_explanations(found: Evidence, has_lungs: bool) -> None:
    """What the rows mean, and the rank correlation of every two maps."""
    from core.explainers.trust import MAX_RANDOMISED_CORRELATION

    maps, shared = found.maps, found.shared
    inside = (
        tr("- **Inside the lungs**: share of the heat in the hull of both lungs.") + "\n" if has_lungs else ""
    )
    st.markdown(
        "".join(
            f"- **{explainer_names.name(method)}**: {explainer_names.meaning(method)}\n"
            for method in found.shown
        )
        + inside
        + tr(
            "- **Agrees with**: maps with a rank correlation of {similar} or more.\n"
            "- **Depends on training**: rank correlation with the map of a network with random "
            "weights, on test films. From {limit} on, the map ignores the model.\n"
            "- **Deletion, insertion**: area under the probability while the hottest places are blurred, or "
            "shown, first. A faithful map has less deletion and more insertion than a random one."
        ).format(similar=SIMILAR, limit=MAX_RANDOMISED_CORRELATION)
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
        alt=tr("Rank correlation of the maps, two by two"),
    )
    st.caption(tr("Rank correlation of the maps: 1 identical, 0 unrelated, -1 opposite."))


def _pair(shared: Agreement, one: str, other: str) -> float:
    return shared.pairs.get((one, other), shared.pairs.get((other, one), 0.0))
