"""What an address asks for: a page, on a server that has not run app.py yet, a card and a sample.

Until st.navigation is called once, Streamlit serves every file of pages/ by itself, without the app's frame.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core import retired


def route_through_app() -> None:
    """Go to the page by way of app.py, unless app.py has run in this session."""
    if st.session_state.get("framed"):
        return
    name = urlsplit(st.context.url or "").path.rstrip("/").rsplit("/", 1)[-1]
    st.session_state.requested_page = (f"pages/{name}.py", dict(st.query_params))
    try:
        st.switch_page("app.py")
    except StreamlitAPIException:  # the page is the whole app, as in a test of one page
        return


def open_requested_page() -> None:
    """In app.py, after the navigation is known: the page that was asked for."""
    st.session_state.framed = True
    if requested := st.session_state.pop("requested_page", None):
        page, parameters = requested
        st.switch_page(page, query_params=parameters)


def card() -> str:
    """The id of the card to open with, as in /diagnose?card=ID; empty without one."""
    return st.query_params.get("card", "")


def gone(shipped: Collection[str]) -> str | None:
    """What became of the retired card that this session's address asked for, or None.

    shipped: ids of the cards there are. Kept for the session: pages put another into the address.
    """
    if card() and card() not in shipped:
        st.session_state.asked_card = card()
    asked: str = st.session_state.get("asked_card", "")
    return retired.notice(asked)


def sample() -> str:
    """The file name of the sample to open with, as in /anomaly?sample=NAME; empty once it was read."""
    asked: str = st.session_state.setdefault("asked_sample", st.query_params.get("sample", ""))
    return asked


def drop_sample() -> None:
    """It was read: forgetting the scan must not bring it back."""
    st.session_state.asked_sample = ""


def name_sample(name: str) -> None:
    """Keep the address true to what is on screen. name: of the sample's file, empty for any other scan."""
    if name:
        st.query_params["sample"] = name
    else:
        st.query_params.pop("sample", None)
