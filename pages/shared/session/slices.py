"""A stack of slices: each is judged, and the one with the highest score is shown first."""

import hashlib

import streamlit as st

from core.card_types import Card
from core.types import Scan, View
from pages.shared.caches import models
from pages.shared.language import tr
from pages.shared.session import reading

MOST = 120  # slices judged; of more, every n-th


def judge_stack(card: Card, scan: Scan | None) -> None:
    """Judge the slices of the stack on screen, once for each card, and say how they came out.

    card: the one that judges.
    scan: the one on screen; nothing happens unless it is a stack.
    """
    held = None if scan is None else reading.file_of(scan)
    if scan is None or held is None or not scan.stack or scan.cropped:
        return
    done: dict[tuple[str, str, str], dict[int, models.ScreeningResult]]
    done = st.session_state.setdefault("slices", {})
    key = (card.version, hashlib.sha256(held[0]).hexdigest(), scan.window)
    if key not in done:
        done[key] = _judged(card, scan, *held)
        if (worst := _worst(done[key])) not in (None, scan.frame):
            reading.show(scan, View(worst, scan.window))
            st.rerun()
    _tell(scan, done[key])


def _judged(card: Card, scan: Scan, data: bytes, name: str) -> dict[int, models.ScreeningResult]:
    frames = range(0, scan.frames, -(-scan.frames // MOST))
    progress = st.progress(0.0, tr("Judging the slices"))
    results: dict[int, models.ScreeningResult] = {}
    for count, frame in enumerate(frames, 1):
        results[frame] = models.screen(card.id, data, name, View(frame, scan.window))
        progress.progress(
            count / len(frames),
            tr("{count} of {frames} slices judged").format(count=count, frames=len(frames)),
        )
    progress.empty()
    return results


def _worst(results: dict[int, models.ScreeningResult]) -> int | None:
    scores = {frame: result.score for frame, result in results.items() if result.score is not None}
    return max(scores, key=lambda frame: scores[frame]) if scores else None


def _tell(scan: Scan, results: dict[int, models.ScreeningResult]) -> None:
    worst = _worst(results)
    refused = sum(result.score is None for result in results.values())
    said = tr("{results} of {frames} slices looked at, {refused} of them not read.").format(
        results=len(results), frames=scan.frames, refused=refused
    )
    if worst is None:
        st.caption(tr("{said} Move the slider in the sidebar to see each.").format(said=said))
        return
    st.caption(
        tr("Slice {worst} has the highest score, {score:.2f}. {said}").format(
            worst=worst + 1, score=results[worst].score, said=said
        )
    )
    if scan.frame != worst:
        st.button(tr("Show it"), on_click=reading.show, args=(scan, View(worst, scan.window)))
