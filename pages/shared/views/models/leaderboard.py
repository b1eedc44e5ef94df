"""All models of a task: the table, their ROC curves, the time each takes, and which one for which purpose."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.card_types import Card
from core.errors import OpacityError
from core.names import AUC_SHARPENED, MILLISECONDS_PER_SCAN, auc_by
from pages.shared import sentences, wording
from pages.shared.caches import models, scores
from pages.shared.language import later, tr
from pages.shared.views import charts

if TYPE_CHECKING:
    from core.evaluation.by_source import SourceRow
    from core.evaluation.clustered import Rate
    from core.evaluation.model_selection import Choice

CURVES = 6  # lines that a person can tell apart
CURVES_AT_FIRST = 3
PURPOSES = {
    "triage": later("Triage: miss as little as possible"),
    "balanced": later("Balanced: normal and abnormal count alike"),
    "low-resource": later("Low resources: the most accurate for its time"),
}


def show(cards: Sequence[Card], first: Card) -> Card:
    """What decides between them, the best at their worst source first; returns the selected one.

    cards: of one task.
    first: the one selected at first.
    """
    titles = wording.unique_titles(cards)
    listed = sorted(cards, key=lambda card: (card.yardstick, _of_one_place(card), -(_worst(card).auc or 0.0)))
    three = st.column_config.NumberColumn(format="%.3f")
    share = st.column_config.NumberColumn(format="%.0f%%")
    selected = st.dataframe(
        [{tr("model"): titles[card.id], **_decisive(card)} for card in listed],
        hide_index=True,
        placeholder="",
        height="content",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [listed.index(first)]}},
        column_config={
            tr("model"): st.column_config.TextColumn(pinned=True, width=200),
            tr("AUC there"): three,
            tr("false alarms at home"): share,
            tr("elsewhere"): share,
            "MB": st.column_config.NumberColumn(format="%.1f"),
            "ms": st.column_config.NumberColumn(format="%.0f"),
        },
        key=f"models-{' '.join(titles)}",  # a selection is a row's number, in this list alone
    )["selection"]["rows"]
    st.caption(tr(sentences.DECISIVE))
    return listed[selected[0] if selected else listed.index(first)]


def _measured(card: Card) -> list[SourceRow]:
    """The sources with both classes."""
    return [row for row in scores.sources(card.id) if row.auc is not None]


def _worst(card: Card) -> SourceRow:
    """The source on which it tells normal from abnormal least."""
    rows = _measured(card) or list(scores.sources(card.id))
    return min(rows, key=lambda row: row.auc or 0.0)


def _of_one_place(card: Card) -> bool:
    """Whether its worst source is not known: no such card stands above one measured on several."""
    return len(_measured(card)) < 2


def _decisive(card: Card) -> dict[str, str | float | None]:
    rows, worst = scores.sources(card.id), _worst(card)
    spent = _latency().get(card.id, card.figures.get(MILLISECONDS_PER_SCAN))
    alarms = [(row.home, 100 * (1 - row.specificity.value)) for row in rows if row.specificity is not None]
    return {
        tr("worst source"): worst.source + (tr(", the only one") if _of_one_place(card) else ""),
        tr("AUC there"): worst.auc,
        "95 %": None if worst.auc_interval is None else wording.interval(worst.auc_interval),
        tr("false alarms at home"): max((share for home, share in alarms if home), default=None),
        tr("elsewhere"): max((share for home, share in alarms if not home), default=None),
        "MB": scores.megabytes(card.id),
        **({} if spent is None else {"ms": spent}),
    }


def show_figures(cards: Sequence[Card]) -> None:
    """The table with every card's test figures."""
    three, whole = (st.column_config.NumberColumn(format=f"%.{digits}f") for digits in (3, 0))
    timed = any(card.id in _latency() for card in cards)
    titles = wording.unique_titles(cards)
    rows = [{tr("model"): titles[card.id], **_row(card, timed=timed)} for card in cards]
    formats = dict.fromkeys((name for name, value in rows[0].items() if not isinstance(value, str)), three)
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="",
        height="content",
        column_config={
            **formats,
            tr("model"): st.column_config.TextColumn(pinned=True, width=200),
            tr("parameters"): st.column_config.NumberColumn(format="compact"),
            "MB": st.column_config.NumberColumn(format="%.1f"),
            tr("ms here"): whole,
            tr("scans"): whole,
        },
        key=f"leaderboard-{' '.join(titles)}",
    )
    st.caption(tr(sentences.ALL_FIGURES))


def _row(card: Card, *, timed: bool) -> dict[str, str | float | None]:
    report, tested = card.report["test"], scores.whole_test(card.id)
    even, mixed = scores.equal_detail(card.id), scores.of_both_classes(card.id)
    row: dict[str, str | float | None] = {
        "AUC": report.auc,
        tr("95 % interval"): wording.interval(tested.auc_interval or report.auc_interval),
        tr("border alone"): card.figures.get(auc_by("border")),
        tr("source alone"): scores.source_only_auc(card.id),
        tr("at equal detail"): None if even is None else even[0],
        tr("detail alone then"): None if even is None else even[1],
        tr("sharpened"): card.figures.get(AUC_SHARPENED),
        tr("accuracy"): report.points[0].accuracy,
        tr("sensitivity"): _with_interval(tested.sensitivity),
        tr("specificity"): _with_interval(tested.specificity),
    }
    if mixed is not None:
        row[tr("sensitivity, sources of both classes")] = _with_interval(mixed.sensitivity)
        row[tr("specificity, sources of both classes")] = _with_interval(mixed.specificity)
    if card.kind == "classifier" and len(card.labels) > 2:
        classes = scores.class_report(card.id)
        row |= {tr("top-1 accuracy"): classes.accuracy, tr("macro AUC"): classes.macro_auc}
    return row | {
        tr("parameters"): card.training.parameters,
        "MB": scores.megabytes(card.id),
        **({tr("ms here"): _latency().get(card.id)} if timed else {}),
        tr("scans"): report.n,
    }


def _with_interval(rate: Rate | None) -> str | None:
    return None if rate is None else wording.with_interval(rate.value, rate.interval)


def _latency() -> dict[str, float]:
    """Milliseconds per scan measured in this session, by card."""
    measured: dict[str, float] = st.session_state.setdefault("latency", {})
    return measured


def offer_measuring(cards: Sequence[Card]) -> None:
    """A button that times every card on this machine. Any click ends it; what is measured stays."""
    faults: dict[str, str] = st.session_state.setdefault("latency-faults", {})
    wanted = st.button(
        tr("Measure time here"),
        key="measure",
        help=tr("One drawn scan, lungs already found, network loaded: the median of nine runs each."),
    )
    if wanted:
        bar = st.progress(0.0)
        for count, card in enumerate(cards):
            bar.progress(
                count / len(cards),
                tr("Timing {title}, {count} of {cards}").format(
                    title=card.title, count=count + 1, cards=len(cards)
                ),
            )
            faults.pop(card.id, None)
            try:
                _latency()[card.id] = models.milliseconds(card.id)
            except OpacityError as fault:
                faults[card.id] = str(fault)
        st.rerun()
    for card in cards:
        if card.id in faults:
            st.error(wording.escape_markdown(faults[card.id]))


def show_curves(cards: Sequence[Card], selected: Card) -> None:
    """ROC curves on test of the models that a person picks, the selected one among them."""
    known, titles = {card.id: card for card in cards}, wording.unique_titles(cards)
    first = [card.id for card in cards if not card.yardstick and card is not selected]
    yardsticks = [card.id for card in cards if card.yardstick and card is not selected]
    chosen = st.multiselect(
        tr("Curves of"),
        list(known),
        default=[selected.id, *first[: CURVES_AT_FIRST - 1], *yardsticks[:1]],
        format_func=titles.__getitem__,
        max_selections=CURVES,
        key=f"curves-{selected.id}",
    )
    reports = {titles[name]: known[name].report["test"] for name in chosen}
    for place, corner in zip(st.columns(2, gap="medium"), (False, True), strict=True):
        place.plotly_chart(
            charts.roc(
                {name: report.roc for name, report in reports.items()},
                {name: report.points[0] for name, report in reports.items()},
                height=360,
                corner=corner,
            ),
            config=charts.PLAIN,
            alt=tr("ROC curves on test of {reports}, each with its threshold").format(
                reports=", ".join(reports)
            )
            + (tr(": the corner of few false alarms") if corner else ""),
            key=f"curves-{corner}",
        )


def show_choices(cards: Sequence[Card]) -> None:
    """The best model for each purpose, chosen on validation, with its figures on test."""
    from core.evaluation.model_selection import (  # brings scikit-learn, after the table is on screen
        MARGIN,
        SPECIFICITY,
    )

    candidates = {card.id: card for card in cards if not card.yardstick}
    if not candidates:
        st.caption(tr("This task has yardsticks only: there is no model to choose."))
        return
    places = dict(zip(PURPOSES, st.columns(3, gap="medium"), strict=True))
    for purpose, place in places.items():
        place.html(f'<p class="opacity-line">{tr(PURPOSES[purpose])}</p>')
    kept = places["triage"].number_input(tr("Specificity kept"), 0.5, 1.0, SPECIFICITY, 0.01)
    margin = places["low-resource"].number_input(tr("AUC to give up"), 0.0, 0.2, MARGIN, 0.005, "%.3f")
    measured = tuple(_latency().get(name) for name in candidates)
    for purpose, choice in scores.recommendations(tuple(candidates), measured, kept, margin).items():
        with places[purpose]:
            if choice is None:
                st.caption(_why_none(purpose))
            else:
                _show_choice(candidates, choice, _because(purpose, choice.figure, kept))
    with places["low-resource"]:
        offer_measuring(cards)
    st.caption(
        tr(
            "Chosen by the validation scores of the models above, yardsticks left out; the test figures "
            "beside them play no part in the choice. Balanced and low resources are read at Youden's "
            "threshold."
        )
    )


def _show_choice(candidates: Mapping[str, Card], choice: Choice, because: str) -> None:
    card, point = candidates[choice.card_id], choice.test
    others = [candidates[name].title for name, _ in choice.ranking[1:2]]
    st.html(f'<p class="opacity-choice">{html.escape(card.title)}</p>')
    st.write(tr("{because} on validation.").format(because=because))
    st.write(
        tr(
            "Test: sensitivity {sensitivity}, specificity {specificity} at threshold {threshold:.3f}; {auc}."
        ).format(
            sensitivity=wording.with_interval(point.sensitivity, point.sensitivity_interval),
            specificity=wording.with_interval(point.specificity, point.specificity_interval),
            threshold=point.threshold,
            auc=wording.auc(card.report["test"]),
        )
    )
    st.caption(
        wording.escape_markdown(
            tr("Next best: {others}.").format(others=others[0])
            if others
            else tr("There is no other model to compare with.")
        )
    )


def _because(purpose: str, figure: float, kept: float) -> str:
    return {
        "triage": tr("Sensitivity {figure:.3f} at specificity {kept:.2f}").format(figure=figure, kept=kept),
        "balanced": tr("Mean of sensitivity and specificity {figure:.3f}").format(figure=figure),
        "low-resource": tr("AUC {figure:.4f} per millisecond").format(figure=figure),
    }[purpose]


def _why_none(purpose: str) -> str:
    if purpose == "low-resource":
        return tr("No model within that margin of the best was timed on this machine yet.")
    return tr("No model does better than chance on validation.")
