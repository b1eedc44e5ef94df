"""A labelled set of the user's, measured beside the card's own test."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.card_types import Card
from core.types import EvaluationReport
from pages.shared import wording
from pages.shared.caches import scores
from pages.shared.components.threshold_panel import threshold_panel
from pages.shared.language import tr
from pages.shared.session import clinic
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import charts
from pages.shared.views.clinic import calibration
from pages.shared.views.screening.judging import WorklistRow


def show(card: Card, rows: Sequence[WorklistRow], threshold: DecisionThreshold) -> None:
    """The report on these scans, the shift from the card's test, and the panel to choose a threshold anew.

    card: the one that judged.
    rows: labelled scans with their scores.
    threshold: the one in use for the card.
    """
    labels = [int(row.label != card.labels[0]) for row in rows]
    values = [row.score for row in rows if row.score is not None]
    if len(set(labels)) < 2:
        st.info(tr("These scans are all of one class: a report needs normal and abnormal ones."))
        return
    report = scores.own_report(tuple(labels), tuple(values), threshold.value, card.kind == "classifier")
    st.write(shift_in_words(report, card.report["test"]))
    st.subheader(tr("Calibrate to these scans"))
    judged = [(row.name, row.label != card.labels[0], row.score) for row in rows if row.score is not None]
    calibration.offer_labelled(card, judged)
    place = clinic.current()
    threshold_panel(
        {tr("your scans"): scores.own_counts(tuple(labels), tuple(values))},
        threshold=threshold.value,
        upper=threshold.upper,
        key=f"own-{card.id}",
        finding=wording.finding(card),
        card_threshold=card.threshold,
        prevalence=place.prevalence,
        missed_cost=place.missed_cost,
        on_change=partial(clinic.follow, card),
    )
    left, right = st.columns(2)
    points = {tr("these scans"): report.points[0], tr("card's test"): card.report["test"].points[0]}
    curves = {tr("these scans"): report.roc, tr("card's test"): card.report["test"].roc}
    left.plotly_chart(
        charts.roc(curves, points), config=charts.PLAIN, alt=tr("ROC of these scans and of the card's test")
    )
    if card.kind == "classifier":
        measured = scores.calibration(tuple(labels), tuple(values))
        right.plotly_chart(
            charts.lines(measured, x=tr("score"), y=tr("share that is abnormal")),
            config=charts.PLAIN,
            alt=tr("Calibration: the score against the share of scans that are abnormal"),
        )
    st.dataframe(charts.metrics(points), hide_index=True)
    _show_subgroups(card, rows, threshold)


def shift_in_words(here: EvaluationReport, test: EvaluationReport) -> str:
    """Whether these scans do as the card's test did, as one sentence."""
    (low, high), (test_low, test_high) = here.auc_interval, test.auc_interval
    figures = tr(
        "On these {n} scans the AUC is {auc:.3f} ({low:.3f}-{high:.3f}); "
        "on the card's test it is {test_auc:.3f} ({test_low:.3f}-{test_high:.3f})"
    ).format(
        n=here.n, auc=here.auc, low=low, high=high, test_auc=test.auc, test_low=test_low, test_high=test_high
    )
    if high < test_low:
        return tr(
            "{figures}: the model does worse here. The card's figures do not apply to these scans."
        ).format(figures=figures)
    if low > test_high:
        return tr("{figures}: the model does better here, perhaps because these scans are easier.").format(
            figures=figures
        )
    return tr(
        "{figures}: the intervals overlap, so no difference is shown. "
        "With few scans a real one can be missed."
    ).format(figures=figures)


def _show_subgroups(card: Card, rows: Sequence[WorklistRow], threshold: DecisionThreshold) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row.extra))
    if not columns:
        return
    column = st.selectbox(tr("Subgroups by"), columns, key="screen-subgroup")
    groups: dict[str, list[WorklistRow]] = {}
    for row in rows:
        groups.setdefault(row.extra.get(column) or tr("not given"), []).append(row)
    st.dataframe(
        [_subgroup(card, name, members, threshold) for name, members in groups.items()], hide_index=True
    )


def _subgroup(
    card: Card, name: str, rows: Sequence[WorklistRow], threshold: DecisionThreshold
) -> dict[str, str | int]:
    labels = tuple(int(row.label != card.labels[0]) for row in rows)
    values = tuple(row.score for row in rows if row.score is not None)
    line: dict[str, str | int] = {tr("group"): name, tr("scans"): len(rows), tr("abnormal"): sum(labels)}
    if len(set(labels)) < 2:
        return {**line, "AUC": tr("one class only"), tr("sensitivity"): "-", tr("specificity"): "-"}
    report = scores.own_report(labels, values, threshold.value, card.kind == "classifier")
    figures = charts.metrics({name: report.points[0]})[0]
    low, high = report.auc_interval
    return {
        **line,
        "AUC": f"{report.auc:.3f} ({low:.3f}-{high:.3f})",
        tr("sensitivity"): figures[tr("sensitivity")],
        tr("specificity"): figures[tr("specificity")],
    }
