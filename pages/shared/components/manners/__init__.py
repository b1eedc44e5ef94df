"""What Streamlit lacks: films may be dropped anywhere, a phone's drawer closes itself."""

from pathlib import Path

import streamlit as st

from pages.shared import language

_mount = st.components.v2.component(
    "opacity.manners", js=(Path(__file__).parent / "manners.js").read_text("utf-8")
)


def manners(*, place: str) -> None:
    """Mount once on every page; nothing of it is seen.

    place: page and scan; a phone's drawer closes when it changes.
    """
    with st.container(key="manners"):
        _mount(key="page-manners", data={"place": place, "language": language.current()})
