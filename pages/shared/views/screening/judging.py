"""Many scans: dropped, labelled, read one after the other."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.batch import labels
from core.batch.labels import Labels, TableRow
from core.card_types import Card
from core.errors import OpacityError
from pages.shared import sentences, wording
from pages.shared.caches import models
from pages.shared.caches import worklist as pictures
from pages.shared.language import tr
from pages.shared.numbering import numbered
from pages.shared.session import worklist
from pages.shared.session.worklist import File


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One file on the worklist.

    name: told apart from others of the same. label: what it truly is, if known. extra: more columns of the
    CSV.
    """

    name: str
    status: str
    score: float | None
    error: str
    probabilities: Mapping[str, float]
    file: File
    label: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


def drop_zone() -> None:
    """Take films, a folder or labels. What was dropped is held, so the zone is empty again at once."""
    held = bool(worklist.files()) or st.session_state.get("screening-samples", False)
    with st.expander(tr("Add films or labels") if held else tr("Films and labels"), expanded=not held):
        _take_drops()
    if left_out := st.session_state.get("screen-left"):
        st.warning(tr(sentences.NO_ROOM).format(len(left_out), wording.escape_markdown(left_out[0])))
    _offer_clearing()


def _take_drops() -> None:
    """Two drop zones: films or a folder, and a table of labels."""
    whole = st.toggle(
        tr("A whole folder"),
        key="screen-folder",
        help=tr("With one folder per class, the results are compared with the labels too."),
        persist_state="session",
    )
    left, right = st.columns([3, 1])
    drops: int = st.session_state.setdefault("screen-drops", 0)
    files = left.file_uploader(
        tr("Folder") if whole else tr("Films"),
        accept_multiple_files="directory" if whole else True,
        key=f"screen-files-{whole}-{drops}",
        on_change=start,
    )
    table = right.file_uploader(
        tr("Labels: CSV with name, label"), type=["csv", "tsv", "txt"], key=f"screen-labels-{drops}"
    )
    if table is not None:
        worklist.take_table(_rows_of(table))
    if files:
        st.session_state["screen-left"] = worklist.take(
            File(file.name, file.file_id, file.getvalue()) for file in files
        )
        st.session_state["screen-drops"] = drops + 1  # a fresh key makes the uploader let go of the bytes
        st.rerun()


def _offer_clearing() -> None:
    """How much is held, and the way to let go of it."""
    if not (held := worklist.files()):
        return
    said, clear = st.columns([4, 1], vertical_alignment="center")
    labelled = tr(" and {rows} rows of labels").format(rows=len(worklist.table())) if worklist.table() else ""
    said.caption(
        tr("{held} files{labelled} on the list. They stay while you open other pages.").format(
            held=len(held), labelled=labelled
        )
    )
    clear.button(tr("Clear the list"), on_click=_clear, width="stretch")


def _clear() -> None:
    worklist.clear()
    pictures.forget()
    st.session_state["screen-left"] = []
    st.session_state["screen-drops"] += 1


def start() -> None:
    """Read what waits, without a further click."""
    st.session_state.screening = True


def _stop() -> None:
    st.session_state.screening = False


def _rows_of(table: UploadedFile) -> list[TableRow]:
    """A table that cannot be read is reported and ignored."""
    try:
        return labels.read_table(table.getvalue(), table.name)
    except OpacityError as problem:
        st.error(wording.escape_markdown(str(problem)))
        return []


def label(card: Card, files: Sequence[File], table: Sequence[TableRow]) -> Labels:
    """What the files are, with all that is to be said of it before they are judged.

    card: in whose words.
    files: as they were uploaded.
    table: of labels, empty where there is none.
    """
    found = labels.of_films(card, [file.name for file in files], table)
    remarks = [*found.remarks, labels.one_class(card, found.of)]
    if any(remarks):
        st.warning("  \n".join(wording.escape_markdown(remark) for remark in remarks if remark))
    return found


def judge(card: Card, files: Sequence[File]) -> None:
    """Judge what is not read yet. Stopping keeps what is done: each answer is stored as it comes."""
    done = _done(card)
    waiting = [file for file in files if file.file_id not in done]
    if not waiting:
        return
    if not st.session_state.get("screening"):
        st.button(
            tr("Continue with the remaining {waiting} scans").format(waiting=len(waiting)), on_click=start
        )
        return
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    progress = bar.progress(0.0, tr("Loading the model"))
    stop.button(tr("Stop"), on_click=_stop, width="stretch")
    started = time.monotonic()
    for count, file in enumerate(waiting, start=1):
        done[file.file_id] = models.screen(card.id, file.data, file.name)
        left = (time.monotonic() - started) / count * (len(waiting) - count)
        progress.progress(
            count / len(waiting),
            tr("{count} of {waiting} scans, {left:.0f} s left").format(
                count=count, waiting=len(waiting), left=left
            ),
        )
    st.session_state.screening = False
    st.rerun()


def _done(card: Card) -> dict[str, models.ScreeningResult]:
    kept: dict[str, models.ScreeningResult] = st.session_state.setdefault("screened", {}).setdefault(
        card.version, {}
    )
    return kept


def judged(card: Card, files: Sequence[File], truth: Labels) -> list[WorklistRow]:
    """The files read so far, with their labels.

    card: the one that judges.
    files: as they were uploaded.
    truth: their labels.
    """
    done = _done(card)
    rows: list[WorklistRow] = []
    for file, known, extra in zip(files, truth.of, truth.extra, strict=True):
        if file.file_id in done:
            answer = done[file.file_id]
            rows.append(
                WorklistRow(
                    name=file.name,
                    status=answer.status,
                    score=answer.score,
                    error=answer.error,
                    probabilities=answer.probabilities,
                    file=file,
                    label=known,
                    extra=extra,
                )
            )
    names = numbered(row.name for row in rows)
    return [replace(row, name=name) for row, name in zip(rows, names, strict=True)]
