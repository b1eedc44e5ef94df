"""How a scan is read: frame, window and polarity; what the gate refuses; what a person overrides."""

from collections.abc import Sequence

import streamlit as st

from core.card_types import Card
from core.errors import OpacityError
from core.reading import images
from core.reading.limits import SLICED
from core.types import Scan, View
from pages.shared import thumbnails
from pages.shared.caches import models, verdicts
from pages.shared.language import tr
from pages.shared.sentences import ANALYSE_ANYWAY, ANALYSE_ANYWAY_HELP, BURNED_IN
from pages.shared.wording import escape_markdown, refused

THUMBNAIL_SIDE = 160  # pixels; shown at half that


def keep(scan: Scan, data: bytes, name: str) -> None:
    """Hold the bytes of a file: it may be shown another way, or a part of it.

    scan: read from the file.
    data: the file's bytes.
    name: the file's name.
    """
    _files()[scan.digest] = (data, name)
    thumbnail(scan)  # as long as its pixels are there


def thumbnail(scan: Scan) -> str:
    """A small picture of the scan as a data address; empty once its pixels were let go without one."""
    held: dict[str, str] = st.session_state.setdefault("thumbnails", {})
    if scan.digest not in held and scan.pixels.size:
        held[scan.digest] = thumbnails.address(scan.pixels, THUMBNAIL_SIDE)
    return held.get(scan.digest, "")


def file_of(scan: Scan) -> tuple[bytes, str] | None:
    """Bytes and name of the scan's file; None when it was forgotten or turned back."""
    return _files().get(scan.digest)


def bytes_of_files() -> int:
    """Of all files that this session holds."""
    return sum(len(data) for data, _ in _files().values())


def bytes_before_turning(scan: Scan) -> int:
    """Of the pixels kept to show a turned scan as it was sent; 0 for any other."""
    sent: Scan | None = st.session_state.get("sent", {}).get(scan.digest)
    return sent.pixels.nbytes if sent else 0


def stacked(scans: Sequence[Scan]) -> list[Scan]:
    """The scans, slices of one series that came together made into one stack, in the place of the first."""
    series: dict[str, list[Scan]] = {}
    for scan in {scan.digest: scan for scan in scans}.values():
        alone = scan.frames > 1 or not scan.series or scan.modality not in SLICED
        series.setdefault(scan.digest if alone else scan.series, []).append(scan)
    return [_stack(parts) if len(parts) > 1 else parts[0] for parts in series.values()]


def _stack(parts: Sequence[Scan]) -> Scan:
    from core.reading import archives  # with it comes pydicom, which takes long

    packed = archives.pack([_files()[part.digest] for part in parts])
    name = tr("{name} and {parts} more").format(name=parts[0].name, parts=len(parts) - 1)
    try:
        stack = images.read(packed, name)
    except OpacityError as problem:  # too large together: one slice after the other, then
        st.session_state.problems = [str(problem)]
        for part in parts[1:]:
            _files().pop(part.digest, None)  # not shown: nothing would let go of them
        return parts[0]
    for part in parts:
        _files().pop(part.digest, None)
    keep(stack, packed, name)
    return stack


def forget(digest: str) -> None:
    """Let go of the bytes, of what was overridden for this scan, and of where it was routed."""
    sent: Scan | None = st.session_state.get("sent", {}).pop(digest, None)
    for gone in (digest, sent.digest if sent else ""):
        _files().pop(gone, None)
    st.session_state.pop("slices", None)
    st.session_state.get("thumbnails", {}).pop(digest, None)
    scores: dict[tuple[str, str], float | None] = st.session_state.get("verdicts", {})
    st.session_state["verdicts"] = {mark: score for mark, score in scores.items() if mark[1] != digest}
    st.session_state.get("notes", {}).pop(digest, None)
    for marks in ("overridden", "routed"):
        st.session_state[marks] = {mark for mark in st.session_state.get(marks, ()) if mark[1] != digest}


def show_options(scan: Scan) -> None:
    """In the sidebar: what else this file can show."""
    if scan.burned_in:
        st.warning(tr(BURNED_IN))
    if scan.turned:
        st.caption(tr("Turned back: black and white are exchanged relative to the file."))
        st.button(tr("Show as in the file"), on_click=_turn, args=(scan,), width="stretch")
        return
    if len(scan.windows) == 1:
        st.caption(tr("Shown: {window}.").format(window=scan.window))
    for note in scan.notes:
        st.caption(escape_markdown(note))
    if scan.digest not in _files():
        return
    if scan.cropped:
        st.caption(tr("Cropped: a part of the file's picture, as you chose it."))
        st.button(
            tr("Show all of it"), on_click=show, args=(scan, View(scan.frame, scan.window)), width="stretch"
        )
        return
    if scan.frames > 1:
        pick = st.slider if scan.stack else st.number_input
        what = tr("Slice") if scan.stack else tr("Frame")
        frame = pick(
            tr("{what}, of {frames}").format(what=what, frames=scan.frames),
            1,
            scan.frames,
            scan.frame + 1,
            key=f"frame-{scan.digest}",
        )
        if frame != scan.frame + 1:
            show(scan, View(int(frame) - 1, scan.window if scan.stack else ""))
            st.rerun()
    if len(scan.windows) > 1:
        window = st.selectbox(
            tr("Window, centre / width"),
            scan.windows,
            index=scan.windows.index(scan.window),
            key=f"window-{scan.digest}",
        )
        if window != scan.window:
            show(scan, View(scan.frame, window))
            st.rerun()


def show_refusal(card: Card, scan: Scan, refusal: str) -> None:
    """Why there is no verdict, and the two ways on: turn a negative back, or override knowingly.

    card: the one that may not judge.
    scan: the one on screen.
    refusal: the reason.
    """
    _, test = models.gate(card.id, scan.digest, _scan=scan)
    st.warning(refused(refusal, test))
    if test == "negative":
        st.button(tr("Turn it back"), on_click=_turn, args=(scan,), type="primary")
    if test != "card":
        st.button(
            ANALYSE_ANYWAY,
            on_click=_overridden().add,
            args=((card.id, scan.digest),),
            help=ANALYSE_ANYWAY_HELP,
        )


def show_override(card: Card) -> None:
    """On every result of a scan that was read despite the gate's refusal: that it was, and why."""
    scan: Scan | None = st.session_state.get("scans", {}).get(st.session_state.get("scan", ""))
    if scan is not None and (card.id, scan.digest) in _overridden():
        reason, test = models.gate(card.id, scan.digest, _scan=scan)
        st.warning(
            tr("Read at your request although the input check refused it: {reason}").format(
                reason=refused(reason, test)
            )
        )


def record(card: Card, scan: Scan, *, score: float, threshold: float) -> None:
    """A line in the audit log, where there is one: once per scan, card and threshold.

    card: the one that judged.
    scan: the one it judged.
    score: the scan's, on the card's scale.
    threshold: the one in use.
    Stops the page if the line cannot be written.
    """
    try:
        models.record(
            card.id, scan.digest, threshold, (card.id, scan.digest) in _overridden(), score, _scan=scan
        )
    except OpacityError as problem:
        st.error(escape_markdown(str(problem)))
        st.stop()
    verdicts.known()[card.version, scan.digest] = score


def _turn(scan: Scan) -> None:
    _replace(scan, images.turned_back(scan) if not scan.turned else st.session_state.sent.pop(scan.digest))


def show(scan: Scan, view: View) -> None:
    """Put another view of the scan's file in its place; the next run shows it."""
    data, name = _files()[scan.digest]
    try:
        other = images.read(data, name, view)
    except OpacityError as problem:
        st.session_state.problems = [str(problem)]
        return
    _files()[other.digest] = _files().pop(scan.digest)
    _replace(scan, other)


def _replace(scan: Scan, other: Scan) -> None:
    """Put the other reading in the scan's place."""
    if other.turned:
        st.session_state.setdefault("sent", {})[other.digest] = scan
    held: dict[str, Scan] = st.session_state.scans
    st.session_state.scans = {
        (other if digest == scan.digest else one).digest: (other if digest == scan.digest else one)
        for digest, one in held.items()
    }
    st.session_state.scan = other.digest


def _files() -> dict[str, tuple[bytes, str]]:
    """Bytes and name of the files that can be shown in several ways, by digest."""
    held: dict[str, tuple[bytes, str]] = st.session_state.setdefault("files", {})
    return held


def _overridden() -> set[tuple[str, str]]:
    chosen: set[tuple[str, str]] = st.session_state.setdefault("overridden", set())
    return chosen
