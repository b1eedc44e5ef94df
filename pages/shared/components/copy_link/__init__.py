"""A button that copies the page's address: page, card, sample and threshold stand in it."""

from pathlib import Path

import streamlit as st

from pages.shared.components import DOM, joined

HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "opacity.copy_link",
    css=(HERE / "copy_link.css").read_text("utf-8"),
    js=joined([DOM, HERE / "copy_link.js"]),
)


def copy_link(*, key: str, label: str, done: str) -> None:
    """Show the button.

    key: of this place on the page.
    label: what it says.
    done: what it says once the address was copied.
    """
    _mount(key=key, data={"label": label, "done": done})
