"""What an address asks for: a page, on a server that has not run app.py yet, and a sample.

Until st.navigation is called once, Streamlit serves every file of pages/ by itself, without the app's frame.
"""

from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitAPIException


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


def sample() -> str:
    """The file name of the sample to open with, as in /anomaly?sample=NAME; empty without one."""
    return st.query_params.get("sample", "")


def drop_sample() -> None:
    """Once it is read the address lets go of it: forgetting the scan must not bring it back."""
    st.query_params.pop("sample", None)
