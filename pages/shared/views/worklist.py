"""Many scans: upload, read one after the other, list by distance from the threshold."""

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.batch import labels
from core.batch.labels import Labels, TableRow
from core.card_types import Card
from core.errors import OpacityError
from core.reading import images
from core.types import is_abnormal
from pages.shared import wording
from pages.shared.caches import models
from pages.shared.numbering import numbered
from pages.shared.session.thresholds import DecisionThreshold

ORDERS = ("doubt", "score, highest first", "name")
FILTERS = ("all", "suspicious", "below threshold", "not read")


class File(Protocol):
    """What is judged: as the uploader hands it over."""

    @property
    def name(self) -> str: ...
    @property
    def file_id(self) -> str: ...
    def getvalue(self) -> bytes: ...


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


def drop_zone() -> tuple[list[UploadedFile], list[TableRow]]:
    """The files to judge, and the rows of a table of labels."""
    whole = st.toggle(
        "A whole folder",
        key="screen-folder",
        help="With one folder per class, the results are compared with the labels too.",
    )
    left, right = st.columns([3, 1])
    files = left.file_uploader(
        "Folder" if whole else "Films",
        accept_multiple_files="directory" if whole else True,
        key=f"screen-files-{whole}",
        on_change=start,
    )
    table = right.file_uploader(
        "Labels: CSV with name, label", type=["csv", "tsv", "txt"], key="screen-labels"
    )
    return list(files), _rows_of(table)


def start() -> None:
    """Read what waits, without a further click."""
    st.session_state.screening = True


def _stop() -> None:
    st.session_state.screening = False


def _rows_of(table: UploadedFile | None) -> list[TableRow]:
    """A table that cannot be read is reported and ignored."""
    if table is None:
        return []
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
        st.button(f"Continue with the remaining {len(waiting)} scans", on_click=start)
        return
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    progress = bar.progress(0.0, "Loading the model")
    stop.button("Stop", on_click=_stop, width="stretch")
    started = time.monotonic()
    for count, file in enumerate(waiting, start=1):
        done[file.file_id] = models.screen(card.id, file.getvalue(), file.name)
        left = (time.monotonic() - started) / count * (len(waiting) - count)
        progress.progress(count / len(waiting), f"{count} of {len(waiting)} scans, {left:.0f} s left")
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


def show_worklist(card: Card, rows: Sequence[WorklistRow], threshold: DecisionThreshold) -> None:
    """All files, the most doubtful first; a selected one opens in Diagnose or Anomaly.

    card: the one that judged.
    rows: the files read so far.
    threshold: the one in use for the card.
    """
    by, only = st.columns(2)
    order = by.segmented_control("Order", ORDERS, default=ORDERS[0], required=True, key="screen-order")
    wanted = only.segmented_control("Show", FILTERS, default=FILTERS[0], required=True, key="screen-filter")
    kept = [row for row in rows if wanted in (FILTERS[0], _group(row, threshold))]
    listed = sorted(kept, key=lambda row: _place(row, threshold, order))
    answer = st.dataframe(
        [_line(card, row, threshold) for row in listed],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config=dict.fromkeys(
            ("score", "from threshold"), st.column_config.NumberColumn(format="%.3f")
        ),
        # a selection is a row's number, in this list alone
        key=f"worklist-{' '.join(row.file.file_id for row in listed)}",
    )
    chosen = answer["selection"]["rows"]
    look, table, text = st.columns(3)
    if look.button("Open the selected scan", disabled=not chosen, width="stretch"):
        _open(card, listed[chosen[0]])
    lines = [{**_line(card, row, threshold), **row.probabilities} for row in listed]
    table.download_button("CSV", _as_csv(lines), "worklist.csv", "text/csv", width="stretch")
    text.download_button(
        "JSON", json.dumps(lines, indent=1), "worklist.json", "application/json", width="stretch"
    )


def _group(row: WorklistRow, threshold: DecisionThreshold) -> str:
    if row.score is None:
        return FILTERS[3]
    return FILTERS[1] if is_abnormal(row.score, threshold.value) else FILTERS[2]


def _place(row: WorklistRow, threshold: DecisionThreshold, order: str) -> tuple[float, str]:
    if row.score is None:  # what could not be judged needs a person most
        return (-float("inf"), row.name)
    return (
        {ORDERS[0]: abs(row.score - threshold.value), ORDERS[1]: -row.score, ORDERS[2]: 0.0}[order],
        row.name,
    )


def _line(card: Card, row: WorklistRow, threshold: DecisionThreshold) -> dict[str, str | float | None]:
    verdict = (
        row.error if row.score is None else wording.verdict(card, row.score, threshold, row.probabilities)
    )
    return {
        "scan": row.name,
        "verdict": verdict,
        "score": row.score,
        "from threshold": None if row.score is None else abs(row.score - threshold.value),
        "status": row.status,
        "label": row.label,
    }


def _as_csv(lines: Sequence[Mapping[str, object]]) -> str:
    columns = list(dict.fromkeys(key for line in lines for key in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _open(card: Card, row: WorklistRow) -> None:
    try:
        scan = images.read(row.file.getvalue(), row.name)
    except OpacityError as problem:
        st.error(wording.escape_markdown(str(problem)))
        return
    st.session_state.setdefault("scans", {})[scan.digest] = scan
    st.session_state.scan = scan.digest
    st.switch_page("pages/diagnose.py" if card.kind == "classifier" else "pages/anomaly.py")
