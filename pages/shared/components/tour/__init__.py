"""A short tour, beside what it speaks of. A browser that ended it once is not asked again."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.shared import language
from pages.shared.components import DOM, LANGUAGE, joined

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "opacity.tour",
    css=(_HERE / "tour.css").read_text("utf-8"),
    js=joined([DOM, LANGUAGE, _HERE / "tour.js"]),
)


def tour(steps: Sequence[tuple[str, str]], *, key: str) -> None:
    """Show it, or a button that does.

    steps: what is marked on the page, as a CSS selector, and the sentence about it.
    key: of this place on the page.
    """
    _mount(
        key=key,
        data={
            "steps": [{"target": target, "words": words} for target, words in steps],
            **language.for_component("tour"),
        },
    )
