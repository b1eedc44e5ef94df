"""What a session's scans may weigh: their pixels are read again from the file, the oldest files go first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import streamlit as st

from core.errors import OpacityError
from core.reading import images
from core.types import FloatArray, Scan, View
from pages.shared import sentences
from pages.shared.language import tr
from pages.shared.session import reading

PIXELS: Final = 128 * 2**20  # bytes of decoded scans; one film of 3000 x 2600 has 31 MB
FILES: Final = 256 * 2**20  # bytes of files; the uploader takes 50 MB each
_NONE: FloatArray = np.empty((0, 0), np.float32)


def rested(scans: Sequence[Scan], shown: str) -> list[Scan]:
    """The scans, the earliest without their pixels where all together have more than PIXELS.

    scans: in the order they came.
    shown: digest of the one on screen, which keeps its own. So do those that a person cut or turned.
    """
    over = sum(scan.pixels.nbytes for scan in scans) - PIXELS
    kept: list[Scan] = []
    for scan in scans:
        again = reading.file_of(scan) is not None and not (scan.cropped or scan.turned)
        if over > 0 and again and scan.digest != shown:
            over -= scan.pixels.nbytes
            scan = replace(scan, pixels=_NONE)
        kept.append(scan)
    return kept


def woken(scan: Scan) -> Scan:
    """The scan with its pixels, read again where they were let go. Raises OpacityError."""
    held = reading.file_of(scan)
    if scan.pixels.size or held is None:
        return scan
    return replace(scan, pixels=images.read(*held, View(scan.frame, scan.window)).pixels)


def fit(shown: str) -> None:
    """Make the scan of that digest ready to be looked at and keep the limits; say what had to go."""
    held: dict[str, Scan] = st.session_state.scans
    if shown not in held:
        return
    try:
        held[shown] = woken(held[shown])
    except OpacityError as problem:
        _forget(shown)
        _say(str(problem))
        st.session_state.scan = next(iter(held), "")
        st.rerun()
    held.update({scan.digest: scan for scan in rested(list(held.values()), shown)})
    if gone := _let_go(shown):
        _say(tr(sentences.LET_GO).format(", ".join(gone)))
        st.session_state.uploader += 1  # the uploader holds their bytes too


def _let_go(shown: str) -> list[str]:
    """Forget the oldest scans while the others exceed a limit; gives their names."""
    held: dict[str, Scan] = st.session_state.scans
    pixels = {
        digest: scan.pixels.nbytes + reading.bytes_before_turning(scan) for digest, scan in held.items()
    }
    del pixels[shown]
    names: list[str] = []
    for digest in list(pixels):
        too_many_pixels = sum(pixels.values()) > PIXELS and pixels[digest]
        if too_many_pixels or reading.bytes_of_files() > FILES:
            names.append(held[digest].name)
            _forget(digest)
            del pixels[digest]
    return names


def _forget(digest: str) -> None:
    st.session_state.scans.pop(digest)
    reading.forget(digest)


def _say(problem: str) -> None:
    st.session_state.problems = [*st.session_state.get("problems", ()), problem]
