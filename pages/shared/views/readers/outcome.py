"""What a reader study found: readers alone, readers with the model, and the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.card_types import Card
from core.errors import OpacityError
from core.types import Curve
from pages.shared import sentences, wording
from pages.shared.language import Translator, ntr, tr, translator
from pages.shared.session.study import Study
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views import charts
from pages.shared.views.readers import roc
from pages.shared.views.screening.judging import WorklistRow

if TYPE_CHECKING:
    from core.evaluation.readers import Reading, Result

DRAWN = 2  # readers whose curves are drawn, two each beside the model's


def show(card: Card, study: Study, films: Mapping[str, WorklistRow], threshold: DecisionThreshold) -> None:
    """The outcome, other readers' files, and all of it to be taken away.

    card: the model that helped.
    study: this session's.
    films: the films by id.
    threshold: the one in use for the model.
    """
    from core.evaluation import readers  # brings scikit-learn

    own = _readings(card, study, films)
    st.download_button(
        tr("CSV of your answers"),
        readers.write(own),
        f"reader-study-{card.id}.csv",
        "text/csv",
        disabled=not own,
        on_click="ignore",
    )
    _import(study, own)
    try:
        found = readers.result([*own, *study.others], threshold.value)
    except OpacityError as reason:
        st.info(wording.escape_markdown(str(reason)))
        return
    _show_result(card, found)


def _readings(card: Card, study: Study, films: Mapping[str, WorklistRow]) -> list[Reading]:
    """The films that were answered in both stages."""
    from core.evaluation.readers import Reading

    normal = card.labels[0]
    both = [film for film in study.orders["alone"] if film in study.answers["helped"] and film in films]
    rows = [(films[film], *study.answers["alone"][film], *study.answers["helped"][film]) for film in both]
    return [
        Reading(
            reader=study.reader,
            case=row.name,
            abnormal=None if row.label is None else row.label != normal,
            score=float(row.score or 0.0),
            alone=alone,
            helped=helped,
            seconds_alone=round(spent, 1),
            seconds_helped=round(spent_helped, 1),
        )
        for row, alone, spent, helped, spent_helped in rows
    ]


def _import(study: Study, own: Sequence[Reading]) -> None:
    """Answers of readers who read the same films elsewhere, with the same model."""
    from core.evaluation import readers

    files = st.file_uploader(
        tr("Answers of other readers on these films"),
        type="csv",
        accept_multiple_files=True,
        key="study-others",
    )
    others: list[Reading] = []
    taken = {reading.reader for reading in own}
    for file in files:
        try:
            found = readers.read(file.getvalue(), file.name)
        except OpacityError as problem:
            st.error(wording.escape_markdown(str(problem)))
            continue
        if twice := taken & {reading.reader for reading in found}:
            st.error(
                wording.escape_markdown(
                    tr("{name}: there is a reader {twice} already.").format(name=file.name, twice=min(twice))
                )
            )
            continue
        taken |= {reading.reader for reading in found}
        others += found
    if files or not study.others:
        study.others = tuple(others)


def _show_result(card: Card, found: Result) -> None:
    out = (
        tr(" {left_out} were left out: not labelled, or not read by all.").format(left_out=found.left_out)
        if found.left_out
        else ""
    )
    st.write(
        ntr(
            "{readers} reader, {films} films, {abnormal} of them abnormal.{out}",
            "{readers} readers, {films} films, {abnormal} of them abnormal.{out}",
            len(found.readers),
        ).format(readers=len(found.readers), films=found.cases, abnormal=found.abnormal, out=out)
    )
    gain = wording.gain(found.gain.value, found.gain.interval, found.gain.p)
    method = tr(sentences.GAIN_BY_SEVERAL) if found.random else tr(sentences.GAIN_BY_ONE)
    st.write(f"**{gain}**")
    st.caption(method)
    rows = table(found)
    left, right = st.columns(2, gap="medium")
    left.table(rows, hide_index=True, border="horizontal")
    drawn = right.multiselect(
        tr("Curves of"), found.readers, found.readers[:DRAWN], max_selections=DRAWN, key="study-curves"
    )
    lines = roc.curves(found, drawn)
    right.plotly_chart(
        roc.figure(found, lines),
        config=charts.PLAIN,
        alt=tr("ROC curves of {lines} on these films").format(lines=", ".join(lines)),
    )
    right.caption(tr(sentences.STUDY_CURVES))
    _show_turned(found)
    st.download_button(
        tr("PDF of the outcome"),
        partial(_pdf, card, {tr("Outcome"): gain, tr("Method"): method}, lines, rows, translator()),
        f"reader-study-{card.id}.pdf",
        "application/pdf",
        on_click="ignore",
    )


def table(found: Result) -> list[dict[str, str]]:
    """Readers alone, with the model, and the model: one column each."""
    both = found.alone, found.helped
    model = wording.with_interval(*found.model[:2])
    rows = [(tr("Mean AUC"), *(f"{arm.auc:.3f}" for arm in both), model)]
    rows += [
        (tr("AUC, {who}").format(who=who), *(wording.with_interval(*arm.auc_of[who]) for arm in both), "")
        for who in found.readers
    ]
    point = found.point
    model_rates = {
        "sensitivity": (point.sensitivity, point.sensitivity_interval),
        "specificity": (point.specificity, point.specificity_interval),
    }
    for name, of_model in model_rates.items():
        rates = (getattr(arm, name) for arm in both)
        told = [wording.with_interval(rate.value, rate.interval) for rate in rates]
        rows.append((tr(name.capitalize()), *told, wording.with_interval(*of_model)))
    rows.append((tr("Median seconds a film"), *(f"{arm.seconds:.1f}" for arm in both), ""))
    return [dict(zip(("", tr("alone"), tr("with the model"), tr("model")), row, strict=True)) for row in rows]


def _show_turned(found: Result) -> None:
    from core.evaluation.readers import CERTAINTIES_IN_WORDS

    for title, readings in ((tr("Where the help hurt"), found.hurt), (tr("Where it helped"), found.mended)):
        st.subheader(f"{title}: {len(readings)}")
        if readings:
            st.dataframe(
                [
                    {
                        tr("reader"): one.reader,
                        tr("film"): one.case,
                        tr("truth"): tr("abnormal") if one.abnormal else tr("normal"),
                        tr("alone"): tr(CERTAINTIES_IN_WORDS[one.alone - 1]),
                        tr("with the model"): tr(CERTAINTIES_IN_WORDS[one.helped - 1]),
                        tr("model's score"): round(one.score, 3),
                    }
                    for one in readings
                ],
                hide_index=True,
                key=title,
            )


def _pdf(
    card: Card,
    facts: Mapping[str, str],
    lines: Mapping[str, Curve],
    rows: Sequence[Mapping[str, str]],
    tr: Translator,
) -> bytes:
    from core.export import report  # brings torch

    model = tr("{title} ({id}), weights {sha256}.").format(
        title=card.title, id=card.id, sha256=card.sha256[:12]
    )
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    foot = tr("{disclaimer} Certainties from 4 of 6 on count as abnormal; intervals are 95 %.").format(
        disclaimer=tr(sentences.DISCLAIMER)
    )
    page = report.Report(tr("Reader study"), {tr("Model"): model, **facts}, foot, curves=lines, table=cells)
    return report.pdf(page, tr)
