"""Another scan of this session beside the one on screen, such as the film before it."""

import streamlit as st

from core.errors import OpacityError
from core.overlay import fitted
from core.types import Scan
from pages.shared import sentences, wording
from pages.shared.components.scan_viewer import Layer
from pages.shared.language import tr
from pages.shared.numbering import numbered
from pages.shared.session import memory


def pick(scan: Scan) -> list[Layer]:
    """The scan that a person chose to see beside this one, for the viewer; none until then."""
    others: dict[str, Scan] = {
        digest: held for digest, held in st.session_state.scans.items() if digest != scan.digest
    }
    if not others:
        return []
    names = dict(zip(others, numbered(other.name for other in others.values()), strict=True))
    chosen = st.selectbox(
        tr(sentences.BESIDE),
        ["", *others],
        format_func=lambda digest: names.get(digest, tr(sentences.NOTHING_BESIDE)),
        key=f"beside-{scan.digest}",
        width=360,
    )
    try:
        pixels = memory.woken(others[chosen]).pixels if chosen else None
    except OpacityError as problem:  # its pixels were let go, and its file is not read a second time
        st.error(wording.escape_markdown(str(problem)))
        pixels = None
    if pixels is None:
        return []
    shape = scan.pixels.shape[0], scan.pixels.shape[1]
    return [
        Layer(
            names[chosen],
            fitted(pixels, shape),
            "grey",
            caption=tr(sentences.BESIDE_CAPTION),
            other_scan=True,
        )
    ]
