"""A classifier's card in full: classes, calibration, other hospitals, sharpness and seeds."""

from collections.abc import Sequence

import streamlit as st

from core import names
from core.card_types import Card
from pages.shared import sentences, wording
from pages.shared.caches import scores
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
    st.subheader("Class by class")
    report = scores.class_report(card.id, card.threshold)
    st.dataframe(
        [
            {
                "true label": label,
                **{f"predicted {name}": count for name, count in zip(report.labels, row, strict=True)},
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
                "class": figures.label,
                "precision": figures.precision,
                "recall": figures.recall,
                "F1": figures.f1,
                "AUC against the rest": figures.auc,
                "support": figures.support,
            }
            for figures in report.classes
        ],
        hide_index=True,
        column_config=dict.fromkeys(("precision", "recall", "F1", "AUC against the rest"), three),
        key="class-figures",
    )
    accuracy = wording.with_interval(report.accuracy, report.accuracy_interval)
    words = f"Test scans as the app calls them, at threshold {card.threshold:.3f}: accuracy {accuracy}."
    if len(card.labels) > 2:
        other = scores.class_report(card.id)
        argmax = wording.with_interval(other.accuracy, other.accuracy_interval)
        words += f" By the most probable class alone, as other projects report it: {argmax}."
    st.caption(words)


def show_calibration(card: Card) -> None:
    """Whether 0.8 means eight in ten, before and after the temperature."""
    st.subheader("Calibration")
    st.plotly_chart(
        charts.lines(scores.card_calibration(card.id), x="score", y="share that is abnormal"),
        config=charts.PLAIN,
        alt="Calibration on test: the score against the share of scans that are abnormal",
        key="card-calibration",
    )
    parts = []
    if (ece := card.report["test"].ece) is not None:
        parts.append(f"Expected calibration error on test {ece:.3f}.")
    figures = card.figures
    if {names.TEMPERATURE, names.ECE_BEFORE_SCALING, names.ECE_AFTER_SCALING} <= figures.keys():
        parts.append(
            f"Temperature {figures[names.TEMPERATURE]:.2f}, fitted on validation, took the error there from "
            f"{figures[names.ECE_BEFORE_SCALING]:.3f} to {figures[names.ECE_AFTER_SCALING]:.3f}."
        )
    st.caption(" ".join(parts))


def show_robustness(card: Card) -> None:
    """The AUC when detail is no clue, and from other seeds."""
    figures, report, even = card.figures, card.report["test"], scores.equal_detail(card.id)
    known = {
        "unchanged": report.auc,
        "of equal detail": None if even is None else even[0],
        "all sharpened": figures.get(names.AUC_SHARPENED),
    }
    rows = [
        {"test scans": name, "AUC": value, "change": value - report.auc}
        for name, value in known.items()
        if value is not None
    ]
    seeds = {names.SEED_AUC_MEAN, names.SEED_AUC_SPREAD, names.SEEDS} <= figures.keys()
    st.subheader("Detail and seeds")
    three, signed = (st.column_config.NumberColumn(format=form) for form in ("%.3f", "%+.3f"))
    st.dataframe(rows, hide_index=True, column_config={"AUC": three, "change": signed}, key="robustness")
    if even is not None:
        st.caption(f"Of equal detail: detail inside the region by itself then has an AUC of {even[1]:.3f}.")
    st.caption(
        f"Trained from {figures[names.SEEDS]:.0f} seeds: mean validation AUC "
        f"{figures[names.SEED_AUC_MEAN]:.4f}, spread {figures[names.SEED_AUC_SPREAD]:.4f}."
        if seeds
        else sentences.ONE_SEED
    )


def show_elsewhere(cards: Sequence[Card]) -> None:
    """What the cards of a task do on adults' films of other hospitals, which none of them learned from."""
    tested = [card for card in cards if names.ADULT_FALSE_ALARMS in card.figures]
    if not tested:
        return
    st.subheader("On adults, at other hospitals")
    st.dataframe(
        [
            {
                "model": wording.title(card),
                "learned from adults": "yes" if "adults" in card.data else "no",
                "false alarms at home": 100 * (1 - card.report["test"].points[0].specificity),
                "false alarms, adult normals": 100 * card.figures[names.ADULT_FALSE_ALARMS],
                "COVID films flagged": 100 * card.figures[names.COVID_FLAGGED],
            }
            for card in tested
        ],
        hide_index=True,
        column_config=dict.fromkeys(
            ("false alarms at home", "false alarms, adult normals", "COVID films flagged"),
            st.column_config.NumberColumn(format="%.0f%%"),
        ),
        key="elsewhere",
    )
    seen = tested[0].figures
    st.caption(
        f"Each model at its own threshold, unchanged, on {seen[names.ADULT_NORMALS]:.0f} normal and "
        f"{seen[names.COVID_FILMS]:.0f} COVID films that none learned from. At home: its own test. "
        "A model that raises alarms on normals as often as it flags COVID films may have noticed the other "
        "machine, not the disease; one that learned from the same hospitals may know them by their machines."
    )
