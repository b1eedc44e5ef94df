"""Sign-in through OpenID Connect, where the secrets have an [auth] section; otherwise nobody is asked."""

from collections.abc import Mapping

import streamlit as st

from pages.shared.language import tr


def require() -> None:
    """Stop the page until the person is signed in."""
    if not st.secrets.load_if_toml_exists() or "auth" not in st.secrets:
        return
    if st.user.get("is_logged_in", False):
        with st.sidebar:
            st.button(tr("Sign out"), on_click=st.logout, width="stretch")
        return
    st.info(tr("Sign in to read scans."))
    named = [name for name, value in st.secrets["auth"].items() if isinstance(value, Mapping)]
    for name in named or [""]:
        words = tr("Sign in with {name}").format(name=name) if name else tr("Sign in")
        st.button(words, on_click=st.login, args=(name,) if name else (), key=f"sign-in-{name}")
    st.stop()
