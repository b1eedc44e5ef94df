"""Ask before the page is left or loaded anew: what a session holds goes with it."""

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component(
    "opacity.leave_guard", js=(Path(__file__).parent / "leave_guard.js").read_text("utf-8")
)


def leave_guard() -> None:
    """From now on the browser asks; it stops asking on the first run that does not call this."""
    _mount(key="leave-guard", data={})
