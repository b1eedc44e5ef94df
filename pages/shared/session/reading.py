"""How a scan is read: frame, window and polarity; what the gate refuses; what a person overrides."""

import streamlit as st

from core.card_types import Card
from core.errors import OpacityError
from core.reading import images
from core.types import Scan, View
from pages.shared.caches import models
from pages.shared.wording import escape_markdown

BURNED_IN = (
    "This file says that text is burned into its picture: it may name the patient. "
    "Cover it before you share the screen or a copy."
)


def keep(scan: Scan, data: bytes, name: str) -> None:
    """Hold the bytes of a file that can be shown in several ways; others are not needed again.

    scan: read from the file.
    data: the file's bytes.
    name: the file's name.
    """
    if scan.frames > 1 or len(scan.windows) > 1:
        _files()[scan.digest] = (data, name)


def forget(digest: str) -> None:
    """Let go of the bytes and of what was overridden for this scan."""
    sent: Scan | None = st.session_state.get("sent", {}).pop(digest, None)
    for gone in (digest, sent.digest if sent else ""):
        _files().pop(gone, None)
    st.session_state["overridden"] = {pair for pair in _overridden() if pair[1] != digest}


def show_options(scan: Scan) -> None:
    """In the sidebar: what else this file can show."""
    if scan.burned_in:
        st.warning(BURNED_IN)
    if scan.turned:
        st.caption("Turned back: black and white are exchanged relative to the file.")
        st.button("Show as in the file", on_click=_turn, args=(scan,), width="stretch")
        return
    if scan.digest not in _files():
        return
    if scan.frames > 1:
        frame = st.number_input(
            f"Frame, of {scan.frames}", 1, scan.frames, scan.frame + 1, key=f"frame-{scan.digest}"
        )
        if frame != scan.frame + 1:
            _read_again(scan, View(int(frame) - 1, ""))
    if len(scan.windows) > 1:
        window = st.selectbox(
            "Window, centre / width",
            scan.windows,
            index=scan.windows.index(scan.window),
            key=f"window-{scan.digest}",
        )
        if window != scan.window:
            _read_again(scan, View(scan.frame, window))


def show_refusal(card: Card, scan: Scan, refusal: str) -> None:
    """Why there is no verdict, and the two ways on: turn a negative back, or override knowingly.

    card: the one that may not judge.
    scan: the one on screen.
    refusal: the reason.
    """
    st.warning(escape_markdown(refusal))
    _, test = models.gate(card.id, scan.digest, _scan=scan)
    if test == "negative":
        st.button("Turn it back", on_click=_turn, args=(scan,), type="primary")
    if test != "card":
        st.button(
            "Read it anyway",
            on_click=_overridden().add,
            args=((card.id, scan.digest),),
            help="For research: the result stays marked as read despite the refusal.",
        )


def show_override(card: Card) -> None:
    """On every result of a scan that was read despite the gate's refusal: that it was, and why."""
    scan: Scan | None = st.session_state.get("scans", {}).get(st.session_state.get("scan", ""))
    if scan is not None and (card.id, scan.digest) in _overridden():
        reason, _ = models.gate(card.id, scan.digest, _scan=scan)
        st.warning(f"Read at your request although the input check refused it: {escape_markdown(reason)}")


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


def _turn(scan: Scan) -> None:
    _replace(scan, images.turned_back(scan) if not scan.turned else st.session_state.sent.pop(scan.digest))


def _read_again(scan: Scan, view: View) -> None:
    data, name = _files()[scan.digest]
    try:
        other = images.read(data, name, view)
    except OpacityError as problem:
        st.error(escape_markdown(str(problem)))
        return
    _files()[other.digest] = _files().pop(scan.digest)
    _replace(scan, other)
    st.rerun()


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
