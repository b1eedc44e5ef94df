"""The worklist: what needs a person first on the left, the film and what a person says of it on the right."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import streamlit as st

from core.card_types import Card
from core.errors import OpacityError
from core.reading import images
from core.types import is_abnormal
from pages.shared import wording
from pages.shared.caches import scores
from pages.shared.caches import worklist as pictures
from pages.shared.components.scan_viewer import scan_viewer
from pages.shared.language import later, tr
from pages.shared.session import reading, worklist
from pages.shared.session.thresholds import DecisionThreshold
from pages.shared.views.screening.judging import WorklistRow

URGENT, DOUBT, NAME = ORDERS = (later("urgency"), later("doubt"), later("name"))
GROUPS = (later("not read"), later("suspicious"), later("borderline"), later("below threshold"))
EVERYTHING = later("all")
BORDERLINE = 0.05  # of the test scans between score and threshold, where no band is set
PAGE = 20  # rows at once


@st.fragment
def show(card: Card, rows: Sequence[WorklistRow], threshold: DecisionThreshold) -> None:
    """All films in order, one of them open. Moving and marking runs this part of the page alone.

    card: the one that judged.
    rows: the films read so far.
    threshold: the one in use for the card.
    """
    by, only = st.columns(2)
    order = by.segmented_control(
        tr("Order"),
        ORDERS,
        default=URGENT,
        required=True,
        key="screen-order",
        persist_state="session",
        format_func=tr,
    )
    wanted = only.segmented_control(
        tr("Show"),
        (EVERYTHING, *GROUPS),
        default=EVERYTHING,
        required=True,
        key="screen-filter",
        persist_state="session",
        format_func=tr,
    )
    kept = [row for row in rows if wanted in (EVERYTHING, group(card, row, threshold))]
    if not kept:
        st.info(tr("No film is {wanted}.").format(wanted=tr(wanted)))
        return
    listed = sorted(kept, key=lambda row: _place(card, row, threshold, order))
    ids = [row.file.file_id for row in listed]
    at = ids.index(st.session_state["screen-at"]) if st.session_state.get("screen-at") in ids else 0
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _show_list(card, listed, at, threshold)
        _offer_tables(card, listed, threshold)
    with right:
        _show_open(card, listed, at, threshold)


def group(card: Card, row: WorklistRow, threshold: DecisionThreshold) -> str:
    """Where the film stands: one of GROUPS. Borderline is the refer band, or what lies closely below.

    card: the one that judged.
    row: the film.
    threshold: the one in use for the card.
    """
    unread, suspicious, borderline, below = GROUPS
    if row.score is None:
        return unread
    if is_abnormal(row.score, threshold.value):
        return borderline if threshold.upper is not None and row.score < threshold.upper else suspicious
    close = scores.share_between(card.id, row.score, threshold.value) <= BORDERLINE
    return borderline if threshold.upper is None and close else below


def _place(card: Card, row: WorklistRow, threshold: DecisionThreshold, order: str) -> tuple[int, float, str]:
    """What could not be judged needs a person most."""
    stage = GROUPS.index(group(card, row, threshold)) if order == URGENT else int(row.score is not None)
    if row.score is None or order == NAME:
        return stage, 0.0, row.name
    if order == DOUBT:
        return stage, scores.share_between(card.id, row.score, threshold.value), row.name
    return stage, -row.score, row.name


def _show_list(card: Card, listed: Sequence[WorklistRow], at: int, threshold: DecisionThreshold) -> None:
    """The part of the list that holds the open film, by group."""
    first = at - at % PAGE
    shown = list(enumerate(listed))[first : first + PAGE]
    with st.container(key="worklist", gap=None):
        for name, members in groupby(shown, lambda pair: group(card, pair[1], threshold)):
            st.caption(wording.upper_first(tr(name)))
            for place, row in members:
                st.button(
                    _label(row, place + 1),
                    key=f"row-{row.file.file_id}",
                    type="secondary" if place == at else "tertiary",
                    on_click=_open,
                    args=(row.file.file_id,),
                    width="stretch",
                )
    if len(listed) > PAGE:
        st.caption(
            tr("{first} to {last} of {listed}.").format(
                first=first + 1, last=first + len(shown), listed=len(listed)
            )
        )


def _label(row: WorklistRow, number: int) -> str:
    picture = pictures.thumbnail(row.file.file_id, _data=row.file.data)
    said = worklist.mark(row.file.file_id)
    told = {None: "", True: tr(", agreed"), False: tr(", differs")}[said.agrees]
    score = tr(row.status) if row.score is None else f"{row.score:.3f}"
    note = tr(", note") if said.note else ""
    shown = f"![]({picture}) " if picture else ""
    return f"{shown}**{number}. {wording.escape_markdown(row.name)}** {score}{told}{note}"


def _open(file_id: str) -> None:
    st.session_state["screen-at"] = file_id


def _show_open(card: Card, listed: Sequence[WorklistRow], at: int, threshold: DecisionThreshold) -> None:
    """The open film: what the model says, what a person says, and the picture."""
    row = listed[at]
    verdict = _verdict(card, row, threshold)
    st.html(f'<p class="opacity-choice" role="status">{wording.escape_html(verdict)}</p>')
    truth = tr(" Labelled {label}.").format(label=tr(row.label)) if row.label else ""
    if row.score is not None:
        st.caption(
            tr("Score {score:.3f}, threshold {value:.3f}.{truth}").format(
                score=row.score, value=threshold.value, truth=truth
            )
        )
    _show_keys(row, verdict, [each.file.file_id for each in listed], at)
    try:
        scan = pictures.scan(row.file.file_id, row.name, _data=row.file.data)
    except OpacityError:
        st.caption(tr("There is no picture to show."))
    else:
        scan_viewer(scan.pixels, key="screen", alt=tr("The film {name}").format(name=row.name), height=520)
    note(row, key="worklist-note")
    page = tr("Diagnose") if card.kind == "classifier" else tr("Anomaly")
    if row.status != "unreadable" and st.button(tr("Open in {page}").format(page=page)):
        _leave(card, row)


def _show_keys(row: WorklistRow, verdict: str, ids: Sequence[str], at: int) -> None:
    """Keys of the hand that reads: k and j to the films before and after, a and d to agree or differ.

    row: the open film.
    verdict: the model's on it.
    ids: of all films on the list.
    at: the place of the open one.
    """
    said, following = worklist.mark(row.file.file_id), ids[min(at + 1, len(ids) - 1)]
    with st.container(horizontal=True, gap="small"):
        st.button(tr("Previous"), shortcut="K", disabled=at == 0, on_click=_open, args=(ids[at - 1],))
        st.button(tr("Next"), shortcut="J", disabled=at + 1 == len(ids), on_click=_open, args=(following,))
        for name, key, agrees in ((tr("Agree"), "A", True), (tr("Differ"), "D", False)):
            st.button(
                name,
                shortcut=key,
                disabled=row.score is None,
                type="primary" if said.agrees is agrees else "secondary",
                on_click=_judge,
                args=(row.file.file_id, verdict, agrees, following),
            )
    if said.verdict and said.verdict != verdict:
        words = (
            tr("You agreed when it read: {verdict}.")
            if said.agrees
            else tr("You differed when it read: {verdict}.")
        )
        st.caption(words.format(verdict=said.verdict))


def _judge(file_id: str, verdict: str, agrees: bool, following: str) -> None:
    """Say it, and go on."""
    worklist.say(file_id, replace(worklist.mark(file_id), agrees=agrees, verdict=verdict))
    _open(following)


def note(row: WorklistRow, *, key: str) -> str:
    """A note on the film, the same wherever it is asked for.

    row: the film.
    key: of this place on the page.
    """
    widget, file_id = f"{key}-{row.file.file_id}", row.file.file_id
    st.text_input(
        tr("Note"),
        worklist.mark(file_id).note,
        key=widget,
        max_chars=300,
        on_change=_write,
        args=(file_id, widget),
    )
    return worklist.mark(file_id).note


def _write(file_id: str, widget: str) -> None:
    """Keep the note beside whatever was said of the film since it was drawn."""
    worklist.say(file_id, replace(worklist.mark(file_id), note=st.session_state[widget]))


def _verdict(card: Card, row: WorklistRow, threshold: DecisionThreshold) -> str:
    if row.score is None:
        return row.error
    return wording.verdict(card, row.score, threshold, row.probabilities)


def _offer_tables(card: Card, listed: Sequence[WorklistRow], threshold: DecisionThreshold) -> None:
    lines = [{**_line(card, row, threshold), **row.probabilities} for row in listed]
    table, text = st.columns(2)
    table.download_button(
        "CSV", as_csv(lines), "worklist.csv", "text/csv", width="stretch", on_click="ignore"
    )
    text.download_button(
        "JSON",
        json.dumps(lines, indent=1),
        "worklist.json",
        "application/json",
        width="stretch",
        on_click="ignore",
    )


def _line(card: Card, row: WorklistRow, threshold: DecisionThreshold) -> dict[str, str | float | None]:
    said = worklist.mark(row.file.file_id)
    return {
        "scan": row.name,
        "group": group(card, row, threshold),
        "verdict": _verdict(card, row, threshold),
        "score": row.score,
        "status": row.status,
        "label": row.label,
        "reader": {None: "", True: "agrees", False: "differs"}[said.agrees],
        "reader saw": said.verdict,
        "note": said.note,
    }


def as_csv(lines: Sequence[Mapping[str, object]]) -> str:
    """The lines as a table, with the columns of all of them."""
    columns = list(dict.fromkeys(key for line in lines for key in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _leave(card: Card, row: WorklistRow) -> None:
    """Go on with this film on the page of its kind."""
    scan = images.read(row.file.data, row.name)
    reading.keep(scan, row.file.data, row.name)
    st.session_state.setdefault("scans", {})[scan.digest] = scan
    st.session_state.scan = scan.digest
    st.switch_page("pages/diagnose.py" if card.kind == "classifier" else "pages/anomaly.py")
