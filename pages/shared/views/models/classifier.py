"""A classifier's card in full: classes, calibration, other hospitals, sharpness and seeds."""

from collections.abc import Sequence

import streamlit as st

from core import names
from core.card_types import Card
from pages.shared import sentences, wording
from pages.shared.caches import scores
from pages.shared.language import tr
from pages.shared.views import charts


def show(card: Card) -> None:
    """What a classifier's card says of its own test beyond its curves."""
    if card.kind != "classifier":
        return
    left, right = st.columns(2, gap="medium")
    with left:
        show_classes(card)
    with right:
        show_calibration(card)
        show_robustness(card)


def show_classes(card: Card) -> None:
    """The confusion matrix, and precision, recall and F1 of each class."""
    st.subheader(tr("Class by class"))
    report = scores.class_report(card.id, card.threshold)
    st.dataframe(
        [
            {
                tr("true label"): tr(label),
                **{
                    tr("predicted {name}").format(name=tr(name)): count
                    for name, count in zip(report.labels, row, strict=True)
                },
            }
            for label, row in zip(report.labels, report.counts, strict=True)
        ],
        hide_index=True,
        key="class-counts",
    )
    three = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        [
            {
                tr("class"): tr(figures.label),
                tr("precision"): figures.precision,
                tr("recall"): figures.recall,
                "F1": figures.f1,
                tr("AUC against the rest"): figures.auc,
                tr("support"): figures.support,
            }
            for figures in report.classes
        ],
        hide_index=True,
        column_config=dict.fromkeys((tr("precision"), tr("recall"), "F1", tr("AUC against the rest")), three),
        key="class-figures",
    )
    accuracy = wording.with_interval(report.accuracy, report.accuracy_interval)
    words = tr("Test scans as the app calls them, at threshold {threshold:.3f}: accuracy {accuracy}.").format(
        threshold=card.threshold, accuracy=accuracy
    )
    if len(card.labels) > 2:
        other = scores.class_report(card.id)
        argmax = wording.with_interval(other.accuracy, other.accuracy_interval)
        words += tr(" By the most probable class alone, as other projects report it: {argmax}.").format(
            argmax=argmax
        )
    st.caption(words)


def show_calibration(card: Card) -> None:
    """Whether 0.8 means eight in ten, before and after the temperature."""
    st.subheader(tr("Calibration"))
    st.plotly_chart(
        charts.lines(scores.card_calibration(card.id), x=tr("score"), y=tr("share that is abnormal")),
        config=charts.PLAIN,
        alt=tr("Calibration on test: the score against the share of scans that are abnormal"),
        key="card-calibration",
    )
    parts = []
    if (ece := card.report["test"].ece) is not None:
        parts.append(tr("Expected calibration error on test {ece:.3f}.").format(ece=ece))
    figures = card.figures
    if {names.TEMPERATURE, names.ECE_BEFORE_SCALING, names.ECE_AFTER_SCALING} <= figures.keys():
        parts.append(
            tr(
                "Temperature {temperature:.2f}, fitted on validation, took the error there from "
                "{ece_before_scaling:.3f} to {ece_after_scaling:.3f}."
            ).format(
                temperature=figures[names.TEMPERATURE],
                ece_before_scaling=figures[names.ECE_BEFORE_SCALING],
                ece_after_scaling=figures[names.ECE_AFTER_SCALING],
            )
        )
    st.caption(" ".join(parts))


def show_robustness(card: Card) -> None:
    """The AUC when detail is no clue, and from other seeds."""
    figures, report, even = card.figures, card.report["test"], scores.equal_detail(card.id)
    known = {
        tr("unchanged"): report.auc,
        tr("of equal detail"): None if even is None else even[0],
        tr("all sharpened"): figures.get(names.AUC_SHARPENED),
    }
    rows = [
        {tr("test scans"): name, "AUC": value, tr("change"): value - report.auc}
        for name, value in known.items()
        if value is not None
    ]
    seeds = {names.SEED_AUC_MEAN, names.SEED_AUC_SPREAD, names.SEEDS} <= figures.keys()
    st.subheader(tr("Detail and seeds"))
    three, signed = (st.column_config.NumberColumn(format=form) for form in ("%.3f", "%+.3f"))
    if len(rows) > 1:
        formats = {"AUC": three, tr("change"): signed}
        st.dataframe(rows, hide_index=True, column_config=formats, key="robustness")
    if even is not None:
        said = tr("Of equal detail: detail inside the region by itself then has an AUC of {auc:.3f}.")
        st.caption(said.format(auc=even[1]))
    if not seeds:
        st.caption(tr(sentences.ONE_SEED))
        return
    st.caption(
        tr(
            "Trained from {seeds:.0f} seeds: mean validation AUC "
            "{seed_auc_mean:.4f}, spread {seed_auc_spread:.4f}."
        ).format(
            seeds=figures[names.SEEDS],
            seed_auc_mean=figures[names.SEED_AUC_MEAN],
            seed_auc_spread=figures[names.SEED_AUC_SPREAD],
        )
    )


def show_elsewhere(cards: Sequence[Card]) -> None:
    """What the cards of a task do on adults' films of other hospitals, which none of them learned from."""
    tested = [card for card in cards if names.ADULT_FALSE_ALARMS in card.figures]
    if not tested:
        return
    st.subheader(tr("On adults, at other hospitals"))
    st.dataframe(
        [
            {
                tr("model"): wording.title(card),
                tr("learned from adults"): tr("yes") if "adults" in card.data else tr("no"),
                tr("false alarms at home"): 100 * (1 - card.report["test"].points[0].specificity),
                tr("false alarms, adult normals"): 100 * card.figures[names.ADULT_FALSE_ALARMS],
                tr("COVID films flagged"): 100 * card.figures[names.COVID_FLAGGED],
            }
            for card in tested
        ],
        hide_index=True,
        column_config=dict.fromkeys(
            (tr("false alarms at home"), tr("false alarms, adult normals"), tr("COVID films flagged")),
            st.column_config.NumberColumn(format="%.0f%%"),
        ),
        key="elsewhere",
    )
    seen = tested[0].figures
    st.caption(
        tr(
            "Each model at its own threshold, unchanged, on {adult_normals:.0f} normal and "
            "{covid_films:.0f} COVID films that none learned from. At home: its own test. A model that "
            "raises alarms on normals as often as it flags COVID films may have noticed the other machine, "
            "not the disease; one that learned from the same hospitals may know them by their machines."
        ).format(adult_normals=seen[names.ADULT_NORMALS], covid_films=seen[names.COVID_FILMS])
    )
